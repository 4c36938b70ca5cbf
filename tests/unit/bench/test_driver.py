"""The driver is a program: a job on stdin, what was seen on stdout."""

import asyncio
import subprocess

import pytest
from bench.scripted_server import OK, responding, serving_script
from websockets.asyncio.server import ServerConnection, serve

from django_tandem.bench.session import DRIVER
from django_tandem.bench.websocket_load import MEASURES
from django_tandem.bench.workload import (
    FINISHED,
    STARTED,
    Job,
    Replay,
    TimedRequest,
    WebSockets,
    Workload,
    decode_job,
    decode_result,
    encode,
)

pytestmark = pytest.mark.processes

ASKED = Workload(name="it", path="/lots/", connections=2, headers=(("Accept", "*/*"),))
SOCKETS = WebSockets(path="/ws/", count=3, every_s=0.05)
REPLAY = Replay(
    source="nginx.log",
    span_s=0.1,
    requests=(
        TimedRequest(at_s=0, method="GET", target="/a/?x", route="/a/", status=200),
        TimedRequest(at_s=0.1, method="GET", target="/b/", route="/b/", status=404),
    ),
    left_out=(("POST requests", 3),),
)


async def _driven(given: str, *, directory=None) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        *DRIVER,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=directory,
    )
    out, err = await process.communicate(given.encode())
    *words, seen = out.decode().split("\n")
    assert words == ([] if process.returncode else [STARTED, FINISHED])
    return process.returncode, seen, err.decode()


def test_what_was_seen_is_written_as_json() -> None:
    """With the share of a CPU that the driver took itself."""

    async def run() -> None:
        async with serving_script(responding(OK)) as server:
            job = Job(url=f"http://127.0.0.1:{server.port}", workload=ASKED, seconds=0.4)
            code, out, err = await _driven(encode(job))

        assert (code, err) == (0, "")
        seen = decode_result(out)
        assert seen.latency is not None
        # What was answered after the time is late, and not left out of the latencies.
        assert len(server.requests) == seen.latency.count >= seen.answered > 2
        assert (seen.failed, seen.why, seen.sockets) == (0, (), None)
        assert seen.seconds >= 0.39
        assert 0 < seen.generator_share < 1.2

    asyncio.run(run())


def test_websockets_are_open_meanwhile() -> None:
    """Alone, where no path is asked for."""

    async def run() -> None:
        async def wait(socket: ServerConnection) -> None:
            await socket.wait_closed()

        async with serve(wait, "127.0.0.1", 0) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            alone = Workload(name="it", path=None, sockets=SOCKETS)
            job = Job(url=f"http://127.0.0.1:{port}", workload=alone, seconds=0.8)
            code, out, err = await _driven(encode(job))

        assert (code, err) == (0, "")
        seen = decode_result(out)
        assert (seen.answered, seen.failed, seen.latency, seen.per_second) == (0, 0, None, None)
        assert seen.sockets is not None
        assert (seen.sockets.opened, seen.sockets.closed) == (3, 0)
        assert seen.sockets.latency is not None

    asyncio.run(run())


def test_what_fails_is_seen_and_no_failure_of_the_driver() -> None:
    """Each kind with its number."""

    async def run() -> None:
        broken = responding(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", times=1)
        async with serving_script(broken) as server:
            job = Job(url=f"http://127.0.0.1:{server.port}", workload=ASKED, seconds=0.3)
            code, out, _ = await _driven(encode(job))

        assert code == 0
        seen = decode_result(out)
        assert seen.why == (("status 500", len(server.requests)),)
        assert (seen.answered, seen.failed) == (0, len(server.requests))
        assert (seen.latency, seen.per_second) == (None, None)

    asyncio.run(run())


@pytest.mark.parametrize("given", ["", "lots", "{}", '{"url": "http://127.0.0.1:1"}'])
def test_an_invalid_job_ends_the_driver_with_a_message(given) -> None:
    """Nothing on stdout could be taken for figures."""
    code, out, err = asyncio.run(_driven(given))

    assert code != 0
    assert out == ""
    assert err != ""


def test_a_project_whose_modules_are_called_alike_is_not_imported(tmp_path) -> None:
    """The driver runs where the user stands, in a project that may call anything anything."""
    for name in ("uvloop", "websockets", "httptools"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('the wrong one')\n")

    async def run() -> None:
        async with serving_script(responding(OK)) as server:
            job = Job(url=f"http://127.0.0.1:{server.port}", workload=ASKED, seconds=0.1)
            assert (await _driven(encode(job), directory=tmp_path))[::2] == (0, "")

    asyncio.run(run())


def test_a_replay_has_a_result_of_each_route() -> None:
    """Its requests are sent once, after the warm-up."""

    async def run() -> None:
        async with serving_script(responding(OK)) as server:
            workload = Workload(name="it", path=None, replay=REPLAY)
            url = f"http://127.0.0.1:{server.port}"
            code, out, err = await _driven(encode(Job(url=url, workload=workload, seconds=0.2)))

        assert (code, err) == (0, "")
        seen = decode_result(out)
        assert (seen.answered, seen.failed) == (2, 0)
        assert [(each.route, each.requests) for each in seen.routes] == [("/a/", 1), ("/b/", 1)]
        assert seen.routes[0].latency is not None
        assert seen.routes[1].changed == (("200 instead of 404", 1),)

    asyncio.run(run())


@pytest.mark.parametrize("replay", [None, REPLAY])
@pytest.mark.parametrize("sockets", [None, SOCKETS])
def test_a_job_is_read_as_it_was_written(sockets, replay) -> None:
    """The content does not matter."""
    workload = Workload(
        name="it",
        path="/ä?b",
        method="POST",
        body='"\n',
        headers=(("A", "b"),),
        sockets=sockets,
        replay=replay,
    )
    job = Job(url="http://127.0.0.1:80", workload=workload, seconds=0.5)

    assert decode_job(encode(job)) == job


def test_the_measure_by_which_sockets_are_measured_is_there() -> None:
    """The one that a workload has when it names none."""
    assert SOCKETS.measure in MEASURES
