"""Who waits for a thread is kept waiting by those that need one, and by nobody who only awaits."""

import asyncio
import threading

import pytest

from django_tandem.handler import limits
from handler import urls
from handler.asking import ask, run, until

URLS = "handler.urls"
OWN = "handler.test_switching.Own"
SYNC_ONLY = "handler.test_switching.sync_only"
CHAINS = [(OWN,), (SYNC_ONLY,), (SYNC_ONLY, OWN)]


@pytest.fixture(autouse=True)
def gate():
    """Close the gate before each test, and let everything through after it."""
    urls.GATE.clear()
    urls.NOTED.clear()
    yield
    urls.GATE.set()


@pytest.mark.parametrize("middleware", CHAINS)
@pytest.mark.parametrize("path", ["/awaits/", "/awaits-only/"])
def test_slow_async_views_behind_sync_middleware_begin_at_once(serve, threads, middleware, path):
    """As many as there are: each takes a thread along, and the pool is as large as ever."""
    application = serve(URLS, *middleware)
    pool = threads(1)

    async def crowd():
        slow = [asyncio.create_task(ask(application, path)) for _ in range(100)]
        await until(lambda: len(urls.NOTED) == 100, 5)
        quick = await ask(application, "/sync/")
        urls.GATE.set()
        return quick.status, {client.status for client in await asyncio.gather(*slow)}

    assert run(crowd()) == (200, {200})
    run(until(lambda: len(pool.free) == len(pool.workers) == pool.size == 1))
    assert not pool.leases


@pytest.mark.parametrize("middleware", CHAINS)
def test_sync_requests_stay_within_the_bound(serve, threads, middleware):
    """However many switches they take: between two of them nobody takes their thread's place."""
    application = serve(URLS, *middleware)
    pool = threads(3)
    most = []

    async def crowd():
        asked = [asyncio.create_task(ask(application, "/pauses/")) for _ in range(100)]
        while not all(task.done() for task in asked):
            most.append(len(pool.workers))
            await asyncio.sleep(0.001)
        return {task.result().status for task in asked}, {task.result().text for task in asked}

    statuses, seen = run(crowd())

    assert (statuses, len(seen), max(most)) == ({200}, 3, 3)


def test_a_view_that_runs_on_a_waiting_thread_does_not_idle(serve, threads):
    """A sync-only middleware waits for the loop, and its thread is at work for it meanwhile."""
    application = serve(URLS, SYNC_ONLY, OWN)
    pool = threads(1)

    async def crowd():
        first = asyncio.create_task(ask(application, "/gate/"))
        await until(lambda: urls.NOTED)
        second = asyncio.create_task(ask(application, "/sync/"))
        await until(lambda: pool.queue)
        for _ in range(200):
            await asyncio.sleep(0)
        seen = len(pool.workers)
        urls.GATE.set()
        return seen, (await first).status, (await second).status

    assert run(crowd()) == (1, 200, 200)


def test_threads_that_left_take_the_next_places_as_long_as_others_wait(serve, threads):
    """They come with their connections, so a rush makes no more threads than are lent at once."""
    application = serve(URLS, OWN)
    pool = threads(2)
    made = []
    start = pool._start
    pool._start = lambda: made.append(len(pool.workers)) or start()

    async def crowd():
        asked = [asyncio.create_task(ask(application, "/awaits-a-moment/")) for _ in range(100)]
        return {client.status for client in await asyncio.gather(*asked)}

    assert run(crowd()) == {200}
    assert len(made) < 100
    run(until(lambda: len(pool.free) == len(pool.workers) == pool.size == 2))
    assert not pool.spare


def test_who_idles_on_another_loop_gives_way_too(serve, threads):
    """The threads are the process's."""
    application = serve(URLS)
    threads(1)
    idles = threading.Thread(target=lambda: run(ask(application, "/awaits/")))
    idles.start()

    async def served():
        await until(lambda: urls.NOTED)
        async with asyncio.timeout(5):
            return (await ask(application, "/sync/")).status

    status = run(served())
    urls.GATE.set()
    idles.join()

    assert status == 200


def test_a_loop_that_stopped_leaves_no_wait_without_an_end(serve, threads, monkeypatch):
    """Each loop on which somebody waits looks after the line itself."""
    monkeypatch.setattr(limits, "MAX_WAIT_S", 0.2)
    application = serve(URLS)
    pool = threads(1)

    async def left():
        busy = asyncio.create_task(ask(application, "/gate/"))
        await until(lambda: urls.NOTED)
        waits = asyncio.create_task(ask(application, "/sync/"))
        await until(lambda: pool.queue)
        return asyncio.gather(busy, waits)

    stopped = asyncio.new_event_loop()
    try:
        rest = stopped.run_until_complete(left())
        refused = run(ask(application, "/sync/"))
        urls.GATE.set()
        stopped.run_until_complete(rest)
    finally:
        stopped.close()

    assert refused.status == 503
