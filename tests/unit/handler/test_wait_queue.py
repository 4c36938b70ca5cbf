"""The wait queue: requests wait in order, not too many of them and not for too long."""

import asyncio

import pytest
from asgiref.sync import sync_to_async
from django.http import HttpResponse
from django.urls import path

from django_tandem.handler import wait_queue
from handler import urls
from handler.client import run, send_request, until

URLS = "handler.urls"


@pytest.fixture(autouse=True)
def gate():
    """Close the gate before each test, and open it after it."""
    urls.GATE.clear()
    urls.NOTED.clear()
    yield
    urls.GATE.set()


def test_further_requests_wait_and_none_is_lost(serve, threads):
    """Sixty at once run on three threads."""
    application = serve(URLS)
    pool = threads(3)

    async def sixty():
        return await asyncio.gather(*(send_request(application, "/pauses/") for _ in range(60)))

    clients = run(sixty())

    assert {client.status for client in clients} == {200}
    assert len({client.text for client in clients}) == 3
    run(until(lambda: len(pool.free) == 3))
    assert (pool.size, len(pool.queue)) == (3, 0)


def test_the_queue_is_first_in_first_out(serve, threads):
    """A request for any view keeps its place."""
    application = serve(URLS)
    pool = threads(1)
    done = []

    async def noted(name, path):
        await send_request(application, path)
        done.append(name)

    async def in_line():
        tasks = [asyncio.create_task(noted("gate", "/gate/"))]
        await until(lambda: urls.NOTED)
        for name in "abc":
            tasks.append(asyncio.create_task(noted(name, "/sync/")))
            await until(lambda: len(pool.queue) == len(tasks) - 1)
        urls.GATE.set()
        await asyncio.gather(*tasks)

    run(in_line())

    assert done == ["gate", "a", "b", "c"]


def test_with_a_full_queue_a_request_is_rejected_before_the_project_runs(
    serve, threads, monkeypatch, caplog
):
    """With 503 and Retry-After; the log has one line for all of them."""
    monkeypatch.setattr(wait_queue, "MAX_QUEUED", 2)
    application = serve(URLS)
    pool = threads(1)

    async def crowd():
        tasks = [asyncio.create_task(send_request(application, "/gate/"))]
        await until(lambda: urls.NOTED)
        tasks += [asyncio.create_task(send_request(application, "/gate/")) for _ in range(2)]
        await until(lambda: len(pool.queue) == 2)
        await send_request(application, "/gate/")
        refused = await send_request(application, "/gate/")
        free = await send_request(application, "/async/")
        begun = len(urls.NOTED)
        urls.GATE.set()
        return refused, free, begun, await asyncio.gather(*tasks)

    refused, free, begun, rest = run(crowd())

    assert (refused.status, refused.headers["retry-after"]) == (503, "5")
    assert (free.status, begun) == (200, 1)
    assert caplog.messages == ["Rejected a request with 503: 2 in the wait queue, for 1 thread."]
    assert [client.status for client in rest] == [200, 200, 200]


@pytest.mark.parametrize("middleware", [(), ("handler.test_switching.Own",)])
def test_a_request_that_waits_for_too_long_is_rejected(serve, threads, monkeypatch, middleware):
    """Also behind middleware of the project."""
    monkeypatch.setattr(wait_queue, "MAX_WAIT_S", 0.1)
    application = serve(URLS, *middleware)
    pool = threads(1)

    async def crowd():
        first = asyncio.create_task(send_request(application, "/gate/"))
        await until(lambda: urls.NOTED)
        late = await send_request(application, "/sync/")
        urls.GATE.set()
        return late, await first

    late, first = run(crowd())

    assert (late.status, late.headers["retry-after"], first.status) == (503, "5", 200)
    assert not pool.queue


def test_a_cancelled_request_leaves_the_queue(serve, threads):
    """Its call does not run."""
    application = serve(URLS)
    pool = threads(1)

    async def crowd():
        first = asyncio.create_task(send_request(application, "/gate/"))
        await until(lambda: urls.NOTED)
        second = asyncio.create_task(send_request(application, "/gate/"))
        await until(lambda: pool.queue)
        second.cancel()
        await asyncio.gather(second, return_exceptions=True)
        waiting = len(pool.queue)
        urls.GATE.set()
        await first
        return waiting, second.cancelled()

    assert run(crowd()) == (0, True)
    assert urls.NOTED == ["begun"]
    run(until(lambda: len(pool.free) == 1))


def test_a_call_of_a_task_that_outlives_its_request_is_not_rejected(serve, threads, monkeypatch):
    """No client waits for it, and the task could not respond with 503: it waits, as in Django."""
    monkeypatch.setattr(wait_queue, "MAX_WAIT_S", 0.1)
    is_answered = asyncio.Event()
    left = []

    async def later():
        await is_answered.wait()
        return await sync_to_async(urls.here)()

    async def view(request):
        left.append(asyncio.create_task(later()))
        return HttpResponse()

    patterns = [path("", view), path("gate/", urls.waits_for_the_gate)]
    application = serve(type("Urls", (), {"urlpatterns": patterns}))
    pool = threads(1)

    async def crowd():
        await send_request(application)
        busy = asyncio.create_task(send_request(application, "/gate/"))
        await until(lambda: urls.NOTED)
        is_answered.set()
        await until(lambda: pool.queue)
        rejected = await send_request(application, "/gate/")
        urls.GATE.set()
        return rejected.status, (await busy).text == await left.pop()

    assert run(crowd()) == (503, True)


def test_with_a_full_queue_no_middleware_of_the_project_runs(serve, threads, monkeypatch):
    """It needs a thread for any view, and the request is rejected at once."""
    monkeypatch.setattr(wait_queue, "MAX_QUEUED", 1)
    application = serve(URLS, "handler.test_switching.Own")
    pool = threads(1)

    async def crowd():
        tasks = [asyncio.create_task(send_request(application, "/gate/"))]
        await until(lambda: urls.NOTED)
        tasks.append(asyncio.create_task(send_request(application, "/gate/")))
        await until(lambda: pool.queue)
        async with asyncio.timeout(5):
            refused = await send_request(application, "/async/")
        urls.GATE.set()
        return refused.status, [client.status for client in await asyncio.gather(*tasks)]

    assert run(crowd()) == (503, [200, 200])
