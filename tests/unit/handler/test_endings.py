"""The end of a request: a clean thread, a closed response, and no call left."""

import asyncio
import threading

import pytest
from asgiref.sync import sync_to_async
from django.core import signals
from django.db import connection, connections, transaction
from django.http import HttpResponse
from django.urls import path

from handler import urls
from handler.client import Client, request_once, run, send_request, until

CLOSED = []


@pytest.fixture(autouse=True)
def gate():
    """Close the gate before each test, and open it after it."""
    urls.GATE.clear()
    urls.NOTED.clear()
    CLOSED.clear()
    yield
    urls.GATE.set()


def enters(request):
    transaction.atomic().__enter__()
    return HttpResponse()


def queries(request):
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return HttpResponse(f"{cursor.fetchone()[0]} {connection.in_atomic_block}")


async def holds(request):
    response = HttpResponse("whole")
    response._resource_closers.append(lambda: CLOSED.append(threading.get_ident()))
    return response


async def leaves_a_task(request):
    CLOSED.append(asyncio.create_task(sync_to_async(urls.GATE.wait)(20)))
    return HttpResponse()


urlpatterns = [
    path("enters/", enters),
    path("queries/", queries),
    path("holds/", holds),
    path("leaves/", leaves_a_task),
    path("gate/", urls.waits_for_the_gate),
    path("async/", urls.async_view),
    path("pauses/", urls.pauses),
]


@pytest.fixture
def database(tmp_path, monkeypatch):
    """Have a database for the threads of this test."""
    given = {"ENGINE": "django.db.backends.sqlite3", "NAME": tmp_path / "database"}
    configured = connections.configure_settings({"default": given})
    monkeypatch.setattr(connections, "settings", configured)


def test_an_open_transaction_is_rolled_back_at_the_end_of_the_request(
    serve, threads, database, caplog
):
    """A warning is logged, and the next request finds a clean thread."""
    application = serve(__name__)
    threads(1)

    assert request_once(application, "/enters/").status == 200
    assert [request_once(application, "/queries/").text for _ in range(2)] == ["1 False"] * 2
    assert caplog.messages == ["Rolled back a transaction on 'default' that was left open."]


def test_a_response_is_closed_although_no_thread_is_free(serve, threads):
    """The end of a request does not wait for one, and is never rejected."""
    application = serve(__name__)
    pool = threads(1)

    async def crowd():
        busy = asyncio.create_task(send_request(application, "/gate/"))
        await until(lambda: urls.NOTED)
        whole = await send_request(application, "/holds/")
        closed = list(CLOSED)
        urls.GATE.set()
        await busy
        return whole.text, closed

    text, closed = run(crowd())

    assert text == "whole"
    assert len(closed) == 1
    assert threading.get_ident() not in closed
    assert pool.counts().rejected == 0


def test_request_finished_is_sent_although_no_thread_is_free(serve, threads):
    """Also to receivers of the project."""
    application = serve(__name__)
    threads(1)
    seen = []

    def receiver(**_):
        seen.append(threading.get_ident())

    async def crowd():
        busy = asyncio.create_task(send_request(application, "/gate/"))
        await until(lambda: urls.NOTED)
        await send_request(application, "/async/")
        sent = len(seen)
        urls.GATE.set()
        await busy
        return sent

    signals.request_finished.connect(receiver)
    try:
        assert run(crowd()) == 1
    finally:
        signals.request_finished.disconnect(receiver)
    assert len(seen) == 2


class Slow(Client):
    """Reads its response when the gate opens."""

    async def send(self, message):
        await super().send(message)
        await asyncio.to_thread(urls.GATE.wait, 20)


def test_a_thread_is_free_before_a_slow_client_has_read_the_response(serve, threads):
    """A slow client holds no thread."""
    application = serve(__name__)
    pool = threads(1)

    async def slow():
        client = Slow()
        sent = asyncio.create_task(send_request(application, "/pauses/", client=client))
        await until(client.started.is_set)
        await until(lambda: pool.free, 5)
        urls.GATE.set()
        return (await sent).status

    assert run(slow()) == 200
    assert len(pool.threads) == 1


def test_a_request_waits_for_calls_that_its_tasks_have_submitted(serve):
    """A server that shuts down gracefully lets them end."""
    application = serve(__name__)

    async def served():
        asking = asyncio.create_task(send_request(application, "/leaves/"))
        await until(lambda: CLOSED)
        for _ in range(50):
            await asyncio.sleep(0)
        early = asking.done()
        urls.GATE.set()
        await asking
        return early

    assert not run(served())


def test_the_end_of_a_request_runs_where_the_call_that_it_waits_for_ran(serve, threads):
    """The request does not acquire a thread a second time for it."""
    lent = []

    async def view(request):
        CLOSED.append(asyncio.create_task(sync_to_async(urls.waits_for_the_gate)(request)))
        await until(lambda: urls.NOTED)
        return HttpResponse()

    application = serve(type("Urls", (), {"urlpatterns": [path("", view)]}))
    pool = threads(1)
    lend = pool._lend
    pool._lend = lambda worker, lease: (lent.append(lease), lend(worker, lease))

    async def served():
        client = Client()
        sent = asyncio.create_task(send_request(application, client=client))
        await until(client.started.is_set)
        await until(lambda: any(lease.queued_calls for lease in pool.leases))
        urls.GATE.set()
        await sent

    run(served())

    assert len(lent) == 1
