"""The pool: one thread for a request, a bounded number for all."""

import asyncio
import threading

import pytest
from asgiref.sync import sync_to_async
from django.http import HttpResponse
from django.urls import path

from django_tandem.handler import leftovers, wait_queue
from django_tandem.handler.switching import ParallelConsumers
from django_tandem.handler.thread_lease import PoolExhausted
from handler import urls
from handler.client import Client, request_once, run, send_request, until

URLS = "handler.urls"


@pytest.fixture(autouse=True)
def gate():
    """Close the gate before each test, and open it after it."""
    urls.GATE.clear()
    urls.NOTED.clear()
    yield
    urls.GATE.set()


def test_the_sync_code_of_a_request_runs_on_one_thread(serve):
    """However often an async view calls it."""
    first, second, third, loop = request_once(serve(URLS), "/several/").text.split()

    assert first == second == third != loop


def test_requests_reuse_threads(serve, threads):
    """One after another they need one, which is free a moment after the response."""
    application = serve(URLS)
    pool = threads(10)

    async def several():
        for _ in range(50):
            yield (await send_request(application, "/sync/")).text
            await until(lambda: len(pool.free) == pool.size)

    async def used():
        return {thread async for thread in several()}

    assert len(run(used())) == pool.size == 1


def test_event_loops_share_the_threads(serve, threads):
    """The pool belongs to the process, not to a loop."""
    application = serve(URLS)
    threads(1)

    assert len({request_once(application, "/sync/").text for _ in range(3)}) == 1


def test_a_request_that_awaits_keeps_its_thread_as_overflow(serve, threads):
    """Others need not wait for a slow view, and it finds its own thread again."""
    application = serve(URLS)
    pool = threads(1)

    async def crowd():
        slow = asyncio.create_task(send_request(application, "/awaits/"))
        await until(lambda: any(lease.is_idle for lease in pool.leases))
        quick = await asyncio.gather(*(send_request(application, "/sync/") for _ in range(3)))
        urls.GATE.set()
        return (await slow).text.split(), {client.text for client in quick}

    (before, after), others = run(crowd())

    assert before == after
    assert len(others) == 1
    assert before not in others
    run(until(lambda: len(pool.threads) == 1))
    assert pool.size == 1


def test_overflow_threads_end_when_nobody_waits(serve, threads):
    """The pool has its former size again."""
    application = serve(URLS)
    pool = threads(2)

    async def crowd():
        slow = [asyncio.create_task(send_request(application, "/awaits/")) for _ in range(20)]
        await until(lambda: len(pool.threads) >= 20)
        busy = [asyncio.create_task(send_request(application, "/pauses/")) for _ in range(60)]
        urls.GATE.set()
        return await asyncio.gather(*slow, *busy)

    assert {client.status for client in run(crowd())} == {200}
    run(until(lambda: len(pool.free) == len(pool.threads) == pool.size == 2))


def test_an_error_is_answered_while_the_thread_is_busy(serve, caplog):
    """It may run a call that the view has cancelled; only the end of the request waits for it."""
    application = serve(URLS)

    async def served():
        client = Client()
        asking = asyncio.create_task(send_request(application, "/gives-up/", client=client))
        await until(client.started.is_set)
        status = client.status
        urls.GATE.set()
        await asking
        return status

    assert run(served()) == 500


def test_a_task_that_outlives_its_request_gets_a_thread(serve):
    """Its synchronous calls run, as in Django."""
    left = []

    async def view(request):
        async def later():
            await asyncio.sleep(0.05)
            return await sync_to_async(urls.here)()

        left.append(asyncio.create_task(later()))
        return HttpResponse(await sync_to_async(urls.here)())

    application = serve(type("Urls", (), {"urlpatterns": [path("", view)]}))

    async def both():
        client = await send_request(application)
        return client.text, await left[0]

    first, later = run(both())

    assert first != str(threading.get_ident()) != later


def test_the_threads_end_with_the_pool(serve, threads):
    """A server that exits does not wait for them."""
    application = serve(URLS)
    pool = threads(2)
    request_once(application, "/sync/")

    workers = [worker.thread for worker in pool.threads]
    pool.close()

    assert workers
    assert not any(thread.is_alive() for thread in workers)
    assert all(thread.daemon for thread in workers)


def test_pool_exhausted_is_an_ordinary_exception():
    """A view that waits for a thread itself may catch it."""
    assert issubclass(PoolExhausted, Exception)


@pytest.fixture
def refusing(monkeypatch):
    """Return a list; while it is not empty, the system starts no further thread of the pool."""
    refuses = []
    start = threading.Thread.start

    def start_or_fail(thread):
        if refuses and thread.name == "django-tandem":
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_or_fail)
    return refuses


def test_a_request_waits_for_a_thread_that_fails_to_start(serve, threads, refusing, caplog):
    """It is served once the system has a thread again, and the pool keeps its size."""
    application = serve(URLS)
    pool = threads(2)

    async def crowd():
        refusing.append(True)
        tasks = [asyncio.create_task(send_request(application, "/sync/")) for _ in range(3)]
        await until(lambda: len(pool.queue) == 3 and caplog.messages)
        refusing.clear()
        return [client.status for client in await asyncio.gather(*tasks)]

    assert run(crowd()) == [200, 200, 200]
    run(until(lambda: len(pool.free) == pool.size <= 2))
    assert not pool.leases
    assert caplog.messages == [
        "A thread failed to start, and requests wait for it: can't start new thread."
    ]


def test_while_no_thread_starts_requests_are_rejected(serve, threads, refusing, monkeypatch):
    """As with too few threads; afterwards all of them start."""
    monkeypatch.setattr(wait_queue, "MAX_WAIT_S", 0.1)
    application = serve(URLS)
    pool = threads(2)
    refusing.append(True)

    assert [request_once(application, "/sync/").status for _ in range(3)] == [503, 503, 503]
    assert not pool.threads
    refusing.clear()
    monkeypatch.setattr(wait_queue, "MAX_WAIT_S", 10)
    assert [request_once(application, "/sync/").status for _ in range(3)] == [200, 200, 200]


def test_while_no_thread_starts_a_request_ends_outside_the_pool(serve, threads, refusing):
    """Its response is closed, and the next one on a thread of the pool once one starts again."""
    closed = []

    async def view(request):
        response = HttpResponse("whole")
        response._resource_closers.append(lambda: closed.append(threading.current_thread().name))
        return response

    application = serve(type("Urls", (), {"urlpatterns": [path("", view)]}))
    pool = threads(2)
    refusing.append(True)

    async def several():
        refused = [(await send_request(application)).text for _ in range(2)]
        outside = closed[:]
        refusing.clear()
        await asyncio.sleep(2 * pool.tick_s)
        return refused, outside, (await send_request(application)).text

    refused, outside, text = run(several())

    assert (refused, text) == (["whole", "whole"], "whole")
    assert len(outside) == 2
    assert "django-tandem" not in outside
    assert closed[2:] == ["django-tandem"]


def test_a_waiting_request_is_served_although_no_overflow_thread_starts(serve, threads, refusing):
    """The request that would have moved out of the bound keeps its thread."""
    application = serve(URLS)
    threads(1)

    async def crowd():
        slow = asyncio.create_task(send_request(application, "/awaits/"))
        await until(lambda: urls.NOTED)
        refusing.append(True)
        quick = asyncio.create_task(send_request(application, "/sync/"))
        await asyncio.sleep(0.3)
        assert not quick.done()
        refusing.clear()
        status = (await quick).status
        urls.GATE.set()
        return status, (await slow).status

    assert run(crowd()) == (200, 200)


@pytest.mark.parametrize(
    "name", ["leaves_nothing", "unfinished_generators", "has_open_transaction"]
)
def test_a_thread_survives_an_error_after_a_call(threads, monkeypatch, caplog, name):
    """The error is logged, and the next consumer runs on the same thread."""

    def fails(*_):
        raise AttributeError("meant to")

    async def consumer(scope, receive, send):
        found.append(await sync_to_async(urls.here)())

    async def served():
        for _ in range(2):
            await ParallelConsumers(consumer)({"type": "websocket"}, None, None)

    found = []
    pool = threads(1)
    monkeypatch.setattr(leftovers, name, fails)
    run(served())

    assert found[0] == found[1]
    run(until(lambda: len(pool.free) == 1))
    assert set(caplog.messages) == {"What a call left on its thread could not be determined."}
