"""What the reference's programs do, and how they are kept: a test for each of its rows."""

import asyncio
import contextlib
import json
import re
import signal
import socket
import sys
from pathlib import Path

import aiohttp
import psutil
import pytest

from harness.client import wait_for
from harness.stack import tandem

# The servers


def test_gunicorn_serves_the_projects_wsgi_application(stack) -> None:
    """Its master is the program, its workers the master's children."""
    reported = stack.ask("/describe/").json

    assert reported["application"] == "project.wsgi"
    assert reported["ppid"] == stack.pid("wsgi-1")
    assert "gunicorn" in stack.command("wsgi-1")


def test_requests_of_both_stacks_are_counted_by_statsd(stack) -> None:
    """Each once, at the address that STATSD_ARGS names, under its prefix."""
    for path in ("/api/rest/", "/ws/api/rest/", "/api/rest/", "/ws/api/rest/", "/api/rest/"):
        # No other test has this status.
        assert stack.ask(path, "PATCH").status == 405

    counted, received = 0, b""
    while counted < 5:
        datagram = stack.statsd.recv(4096)
        received += datagram + b"\n"
        counts = re.findall(rb"^shop\.gunicorn\.request\.status\.405:(\d+)\|c$", datagram, re.M)
        counted += sum(map(int, counts))

    assert counted == 5
    assert b"shop.gunicorn.workers:" in received
    assert b"shop.gunicorn.request.duration:" in received
    # Which Gunicorn itself would count.
    assert b"gunicorn.requests:1|c|@1.0" not in received


def test_daphne_serves_the_projects_asgi_application(stack) -> None:
    """HTTP and WebSockets, in the one process that is the program."""
    pid = stack.pid("asgi-1")

    assert stack.ask("/ws/describe/").json["pid"] == pid
    assert json.loads(stack.converse("/ws/chat/one/")[0])["pid"] == pid
    assert "django_tandem.servers.adapters.daphne" in stack.command("asgi-1")


def test_the_channels_worker_works_on_background_messages(stack) -> None:
    """Sent by a view on WSGI, worked on by runworker, reported to a WebSocket on ASGI."""

    async def run() -> str:
        async with (
            aiohttp.ClientSession(stack.up.url) as session,
            session.ws_connect("/ws/chat/one/") as ws,
        ):
            await ws.receive_str(timeout=10)
            async with session.get("/later/?text=parcel"):
                pass
            return await ws.receive_str(timeout=10)

    assert asyncio.run(run()) == f"parcel done by {stack.pid('channels-1')}"
    assert stack.command("channels-1")[-2:] == [
        "django_tandem.inprocess.channels_worker",
        "channels",
    ]


# supervisord


def test_supervisord_is_in_the_foreground_with_a_program_for_each_part(stack) -> None:
    """It is the very process that was started, and the parent of all others."""
    top = psutil.Process(stack.up.process.pid)

    assert "supervisor.supervisord" in top.cmdline()
    assert set(stack.pids()) == {"monitor", "nginx", "wsgi-1", "asgi-1", "channels-1", "valkey"}
    assert {child.pid for child in top.children()} == set(stack.pids().values())


def test_each_programs_output_is_on_stdout_with_its_name(stack) -> None:
    """What the project prints on either stack or in the worker, and NGINX's log."""
    stack.ask("/printed/?text=on-wsgi")
    stack.ask("/ws/printed/?text=on-asgi")
    stack.ask("/later/?text=for-the-worker")

    for line in (
        "wsgi-1     | printed on-wsgi",
        "asgi-1     | printed on-asgi",
        "channels-1 | working on for-the-worker",
        '127.0.0.1 "GET /printed/?text=on-wsgi HTTP/1.1" 200',
    ):
        assert wait_for(lambda line=line: line in stack.up.stdout)


def test_everything_is_in_one_directory_and_the_environment_in_another(stack) -> None:
    """One listener on TCP, every socket below the run directory, nothing written beside it."""
    directory, port = stack.up.directory, stack.up.port
    running = psutil.Process(stack.up.process.pid).children(recursive=True)
    opened = [each for process in running for each in process.net_connections("all")]

    listening = {each.laddr for each in opened if each.status == psutil.CONN_LISTEN}
    assert listening == {("127.0.0.1", port)}
    bound = {each.laddr for each in opened if each.family == socket.AF_UNIX and each.laddr}
    assert bound
    assert {str(Path(path).parent) for path in bound} == {str(stack.up.run_dir)}
    assert {path.name for path in directory.iterdir()} == {"manage.py", "project", ".tandem"}
    assert not Path(sys.prefix).is_relative_to(directory)


# The last, for it takes each part away for a moment.


def is_alive(process: psutil.Process) -> bool:
    # One that has ended and is not yet collected, by whoever is process 1 here, is gone too.
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


@pytest.mark.parametrize("program", ["wsgi-1", "asgi-1", "channels-1", "nginx"])
def test_a_program_that_is_killed_comes_back(stack, program) -> None:
    """With a new pid, doing its work, with nothing of the old one left."""
    killed = psutil.Process(stack.pid(program))
    family = [killed, *killed.children(recursive=True)]
    killed.send_signal(signal.SIGKILL)

    def is_back() -> bool:
        listed = json.loads(tandem(stack.up.directory, "status", "--json").stdout)["processes"]
        now = next(each for each in listed if each["program"] == program)
        return now["state"] == "ready" and now["pid"] != killed.pid

    wait_for(is_back, within_s=20)
    assert [process for process in family if is_alive(process)] == []
    assert stack.ask("/describe/").status == stack.ask("/ws/describe/").status == 200
