"""A worker that exceeds a bound is replaced by one that is ready, one at a time."""

import asyncio
import json
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
import websockets

from django_tandem.inprocess import generation_files
from django_tandem.model import Recycle
from harness.client import wait_for
from harness.master import serving, wait_for_workers


class Observer:
    """Watches the workers of both kinds, all through a block."""

    def __init__(self, master):
        self.master = master
        self.most = self.fewest = 0
        self.is_over = False

    def run(self):
        self.most = self.fewest = self.count()
        while not self.is_over:
            count = self.count()
            self.most, self.fewest = max(self.most, count), min(self.fewest, count)
            time.sleep(0.02)

    def count(self):
        return len(self.master.workers("wsgi") | self.master.workers("asgi"))


@pytest.mark.parametrize("stack", ["wsgi", "asgi"])
def test_no_request_fails_while_workers_are_replaced_by_requests(directory, stack) -> None:
    """Never is a worker missing, and never is there more than one spare."""
    recycle = Recycle(requests=40)

    with serving(directory, recycle=recycle) as master, ThreadPoolExecutor(8) as pool:
        # Those of the other stack, too: the observer counts both.
        started = {kind: wait_for_workers(master, kind, 2) for kind in ("wsgi", "asgi")}
        first = started[stack]
        observer = Observer(master)
        watching = pool.submit(observer.run)
        until = time.monotonic() + 60
        while first & master.workers(stack) and time.monotonic() < until:
            for answer in pool.map(lambda _: master.ask(stack), range(20)):
                assert answer.status == 200
        observer.is_over = True
        watching.result()

        assert not first & master.workers(stack)
        assert observer.fewest >= 4
        assert observer.most <= 5
        assert "requests and will be replaced." in master.log(stack)


@pytest.mark.parametrize("stack", ["wsgi", "asgi"])
def test_a_worker_is_replaced_by_its_age(directory, stack) -> None:
    """Within a tenth of the bound."""
    with serving(directory, recycle=Recycle(age_s=4)) as master:
        first = wait_for_workers(master, stack, 2)

        wait_for(lambda: not first & master.workers(stack), within_s=30)
        assert " s and will be replaced." in master.log(stack)
        assert master.ask(stack).status == 200


def test_a_worker_is_replaced_by_its_memory(directory) -> None:
    """By its resident set size, and only the one that has grown."""
    recycle = Recycle(memory_bytes=200 * 2**20)

    with serving(directory, wsgi=1, recycle=recycle, may_fork=False) as master:
        asgi = wait_for_workers(master, "asgi", 2)
        grown = int(master.ask("wsgi", "/grow?mb=250").body)

        wait_for(lambda: grown not in master.workers("wsgi"))
        assert f"Worker {grown} takes 2" in master.log("wsgi")
        assert " MB and will be replaced." in master.log("wsgi")
        assert master.workers("asgi") == asgi


def test_a_bound_that_a_new_worker_exceeds_replaces_no_more(directory) -> None:
    """Workers would be replaced without an end."""
    with serving(directory, wsgi=1, asgi=1, recycle=Recycle(memory_bytes=2**20)) as master:
        wait_for(lambda: "is ignored for asgi workers." in master.log("asgi"), within_s=20)
        wait_for(lambda: "is ignored for wsgi workers." in master.log("wsgi"), within_s=20)
        log = master.log("wsgi")

        assert log.count("will be replaced.") == 1
        assert 'TANDEM["RECYCLE"]["MEMORY"] of 1 MB is ignored for wsgi workers.' in log


def test_a_new_worker_that_fails_is_not_tried_again_in_a_loop(directory) -> None:
    """The old one keeps serving, and counts as no restart."""
    with serving(directory, wsgi=1, asgi=1, recycle=Recycle(age_s=3)) as master:
        (directory / "lifespan.startup").touch()
        (old,) = master.workers("asgi")
        wait_for(lambda: "The next one starts in 10 s." in master.log("asgi"), within_s=30)

        assert master.log("asgi").count(f"Worker {old} has run for ") == 1
        assert old in master.workers("asgi")
        assert "asgi" not in generation_files.read_restarts(directory, 1)
        (directory / "lifespan.startup").unlink()
        wait_for(lambda: old not in master.workers("asgi"), within_s=30)


def test_a_worker_that_hangs_in_its_drain_is_killed(directory) -> None:
    """Although its event loop runs; no other worker could be replaced meanwhile."""
    recycle = Recycle(age_s=3)
    with serving(directory, wsgi=1, asgi=1, timeout_s=2, recycle=recycle, drain_s=1) as master:
        (directory / "lifespan.shutdown").write_text("hang")
        (old,) = master.workers("asgi")

        wait_for(lambda: old not in master.workers("asgi"), within_s=30)
        line = f"WORKER TIMEOUT (pid:{old}): a drain of more than 7 s. Its call stack follows."
        assert line in master.log("asgi")


def test_websockets_of_a_replaced_worker_get_1012_over_the_window(directory) -> None:
    """New connections reach its replacement meanwhile."""
    count, window_s = 12, 3

    async def observe(master):
        uri, path = "ws://project.test/ws/echo", str(master.socket("asgi"))
        opened = [await websockets.unix_connect(path, uri=uri) for _ in range(count)]
        (old,) = master.workers("asgi")

        async def closed(connection):
            await connection.wait_closed()
            return connection.close_code, time.monotonic()

        ends = await asyncio.gather(*map(closed, opened))
        async with websockets.unix_connect(path, uri=uri) as fresh:
            await fresh.send("")
            return old, ends, int(await fresh.recv())

    recycle = Recycle(age_s=3)
    with serving(directory, asgi=1, recycle=recycle, drain_s=window_s) as master:
        old, ends, new = asyncio.run(observe(master))
        wait_for(lambda: old not in master.workers("asgi"))

    assert new != old
    assert {code for code, _ in ends} == {1012}
    moments = [moment for _, moment in ends]
    assert 1 < max(moments) - min(moments) <= window_s


def test_max_requests_is_exact_and_delays_no_restart(directory) -> None:
    """A WSGI worker ends without a signal after that number, and the next one starts at once."""
    with serving(directory, wsgi=1, asgi=1, max_requests=10) as master:
        since = time.monotonic()
        served = Counter(json.loads(master.ask("wsgi").body)["pid"] for _ in range(60))

        assert time.monotonic() - since < 6
        assert len(served) >= 5
        assert max(served.values()) <= 11
        assert generation_files.read_restarts(directory, 1).get("wsgi", 0) == 0


def test_a_replaced_worker_finishes_its_requests(directory) -> None:
    """Also one that takes longer than the window."""
    with (
        serving(directory, wsgi=1, asgi=1, recycle=Recycle(age_s=2), drain_s=1) as master,
        ThreadPoolExecutor() as pool,
    ):
        slow = [
            pool.submit(master.ask, "wsgi", "/slow?s=6"),
            pool.submit(master.ask, "asgi", "/awaited?s=6"),
        ]

        assert [each.result().status for each in slow] == [200, 200]
