"""Requests that await something else keep no other request waiting for a thread."""

import asyncio
import threading
import time

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.core.handlers import base
from django.core.handlers.base import BaseHandler
from django.http import HttpResponse
from django.urls import path

from django_tandem.handler import thread_pool, wait_queue
from handler import urls
from handler.client import run, send_request, until

URLS = "handler.urls"
OWN = "handler.test_switching.Own"
SYNC_ONLY = "handler.test_switching.sync_only"
CHAINS = [(OWN,), (SYNC_ONLY,), (SYNC_ONLY, OWN)]


@pytest.fixture(autouse=True)
def gate():
    """Close the gate before each test, and open it after it."""
    urls.GATE.clear()
    urls.NOTED.clear()
    yield
    urls.GATE.set()


@pytest.mark.parametrize("middleware", CHAINS)
@pytest.mark.parametrize("path", ["/awaits/", "/awaits-only/"])
def test_slow_async_views_behind_sync_middleware_start_at_once(serve, threads, middleware, path):
    """Each moves its thread out of the bound, and the pool has its former size in the end."""
    application = serve(URLS, *middleware)
    pool = threads(1)

    assert statuses_beside_slow(application, path) == (200, {200})
    run(until(lambda: len(pool.free) == len(pool.threads) == pool.size == 1))
    assert not pool.leases


def statuses_beside_slow(application, path):
    """Return the status of a quick request beside slow ones, and those of the slow ones."""

    async def crowd():
        slow = [asyncio.create_task(send_request(application, path)) for _ in range(100)]
        await until(lambda: len(urls.NOTED) == 100, 5)
        quick = await send_request(application, "/sync/")
        urls.GATE.set()
        return quick.status, {client.status for client in await asyncio.gather(*slow)}

    return run(crowd())


@pytest.mark.parametrize(
    ("owner", "name"),
    [(BaseHandler, "_get_response_async"), (base, "convert_exception_to_response")],
)
def test_slow_async_views_start_at_once_beside_an_instrumentation(
    serve, threads, monkeypatch, owner, name
):
    """What wraps Django's functions takes the segments away, and not the overflow threads."""
    wrapped = vars(owner)[name]
    if owner is base:
        monkeypatch.setattr(owner, name, lambda *args: wrapped(*args))  # noqa: PLW0108
    else:

        async def traced(*args):
            return await wrapped(*args)

        monkeypatch.setattr(owner, name, traced)

    application = serve(URLS, SYNC_ONLY)
    threads(1)

    assert statuses_beside_slow(application, "/awaits-only/") == (200, {200})


@pytest.mark.parametrize("middleware", CHAINS)
def test_sync_requests_stay_within_the_bound(serve, threads, middleware):
    """Between two of their thread switches no other thread is started."""
    application = serve(URLS, *middleware)
    pool = threads(3)
    most = []

    async def crowd():
        sent = [asyncio.create_task(send_request(application, "/pauses/")) for _ in range(100)]
        while not all(task.done() for task in sent):
            most.append(len(pool.threads))
            await asyncio.sleep(0.001)
        return {task.result().status for task in sent}, {task.result().text for task in sent}

    statuses, seen = run(crowd())

    assert (statuses, len(seen), max(most)) == ({200}, 3, 3)


@pytest.mark.parametrize("middleware", CHAINS)
def test_an_event_loop_that_was_blocked_starts_no_thread(serve, threads, middleware):
    """No request could suspend in the meantime."""
    application = serve(URLS, *middleware)
    pool = threads(1)

    async def crowd():
        sent = [asyncio.create_task(send_request(application, "/pauses/")) for _ in range(5)]
        await until(lambda: pool.queue)
        time.sleep(3 * thread_pool.RESUME_S)
        return {client.text for client in await asyncio.gather(*sent)}

    assert len(run(crowd())) == 1


def test_a_thread_that_runs_a_nested_call_is_not_waiting(serve, threads):
    """A sync-only middleware waits for the loop, and its thread runs the view in the meantime."""
    application = serve(URLS, SYNC_ONLY, OWN)
    pool = threads(1)

    async def crowd():
        first = asyncio.create_task(send_request(application, "/gate/"))
        await until(lambda: urls.NOTED)
        second = asyncio.create_task(send_request(application, "/sync/"))
        await until(lambda: pool.queue)
        for _ in range(200):
            await asyncio.sleep(0)
        seen = len(pool.threads)
        urls.GATE.set()
        return seen, (await first).status, (await second).status

    assert run(crowd()) == (1, 200, 200)


def test_a_sync_view_that_calls_async_code_holds_its_thread(serve, threads):
    """As one that waits for a slow service; its coroutine's sync calls run on that thread."""

    async def waits():
        urls.NOTED.append("begun")
        while not urls.GATE.is_set():
            await asyncio.sleep(0.01)
        return await sync_to_async(urls.here)()

    def view(request):
        return HttpResponse(f"{urls.here()} {async_to_sync(waits)()}")

    patterns = [path("", view), path("sync/", urls.sync_view)]
    application = serve(type("Urls", (), {"urlpatterns": patterns}))
    pool = threads(1)

    async def crowd():
        first = asyncio.create_task(send_request(application))
        await until(lambda: urls.NOTED)
        second = asyncio.create_task(send_request(application, "/sync/"))
        await until(lambda: pool.queue)
        await asyncio.sleep(2 * thread_pool.RESUME_S)
        seen = len(pool.threads), len(pool.queue)
        urls.GATE.set()
        return seen, (await first).text.split(), (await second).status

    seen, (own, nested), status = run(crowd())

    assert (seen, status) == ((1, 1), 200)
    assert own == nested


def test_overflow_threads_are_reused_while_others_wait(serve, threads):
    """They keep their connections, and fewer threads are started than there are requests."""
    application = serve(URLS, OWN)
    pool = threads(2)
    made = []
    start = pool._start
    pool._start = lambda: made.append(len(pool.threads)) or start()

    async def crowd():
        sent = [
            asyncio.create_task(send_request(application, "/awaits-a-moment/")) for _ in range(100)
        ]
        return {client.status for client in await asyncio.gather(*sent)}

    assert run(crowd()) == {200}
    assert len(made) < 100
    run(until(lambda: len(pool.free) == len(pool.threads) == pool.size == 2))
    assert not pool.spare


def test_a_waiting_request_on_another_loop_gives_way(serve, threads):
    """The pool belongs to the process."""
    application = serve(URLS)
    threads(1)
    idles = threading.Thread(target=lambda: run(send_request(application, "/awaits/")))
    idles.start()

    async def served():
        await until(lambda: urls.NOTED)
        async with asyncio.timeout(5):
            return (await send_request(application, "/sync/")).status

    status = run(served())
    urls.GATE.set()
    idles.join()

    assert status == 200


def test_a_stopped_loop_does_not_keep_others_waiting(serve, threads, monkeypatch):
    """The timer runs on each loop on which a request waits."""
    monkeypatch.setattr(wait_queue, "MAX_WAIT_S", 0.2)
    application = serve(URLS)
    pool = threads(1)

    async def left():
        busy = asyncio.create_task(send_request(application, "/gate/"))
        await until(lambda: urls.NOTED)
        waits = asyncio.create_task(send_request(application, "/sync/"))
        await until(lambda: pool.queue)
        return asyncio.gather(busy, waits)

    stopped = asyncio.new_event_loop()
    try:
        rest = stopped.run_until_complete(left())
        refused = run(send_request(application, "/sync/"))
        urls.GATE.set()
        stopped.run_until_complete(rest)
    finally:
        stopped.close()

    assert refused.status == 503
