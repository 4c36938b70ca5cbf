"""How a request ends: its thread is clean, its response is closed, and its tasks are waited for."""

import asyncio
import threading

import pytest
from asgiref.sync import sync_to_async
from django.core import signals
from django.db import connection, connections, transaction
from django.http import HttpResponse
from django.urls import path

from handler import urls
from handler.asking import Client, answer, ask, run, until

CLOSED = []


@pytest.fixture(autouse=True)
def gate():
    """Close the gate before each test, and let everything through after it."""
    urls.GATE.clear()
    urls.NOTED.clear()
    CLOSED.clear()
    yield
    urls.GATE.set()


def enters(request):
    transaction.atomic().__enter__()
    return HttpResponse()


def asks(request):
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
    path("asks/", asks),
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


def test_a_transaction_that_was_left_open_is_not_found_by_the_next_request(
    serve, threads, database, caplog
):
    """It is rolled back and told of, and its thread is as good as new."""
    application = serve(__name__)
    threads(1)

    assert answer(application, "/enters/").status == 200
    assert [answer(application, "/asks/").text for _ in range(2)] == ["1 False"] * 2
    assert caplog.messages == ["Rolled back a transaction on 'default' that was left open."]


def test_a_response_is_closed_though_no_thread_is_free(serve, threads):
    """What the project did not see refused is not refused at its end."""
    application = serve(__name__)
    threads(1)

    async def crowd():
        busy = asyncio.create_task(ask(application, "/gate/"))
        await until(lambda: urls.NOTED)
        whole = await ask(application, "/holds/")
        closed = list(CLOSED)
        urls.GATE.set()
        await busy
        return whole.text, closed

    text, closed = run(crowd())

    assert text == "whole"
    assert len(closed) == 1
    assert threading.get_ident() not in closed


def test_the_end_is_signalled_though_no_thread_is_free(serve, threads):
    """Also where the receivers are the project's."""
    application = serve(__name__)
    threads(1)
    seen = []

    def receiver(**_):
        seen.append(threading.get_ident())

    async def crowd():
        busy = asyncio.create_task(ask(application, "/gate/"))
        await until(lambda: urls.NOTED)
        await ask(application, "/async/")
        told = len(seen)
        urls.GATE.set()
        await busy
        return told

    signals.request_finished.connect(receiver)
    try:
        assert run(crowd()) == 1
    finally:
        signals.request_finished.disconnect(receiver)
    assert len(seen) == 2


class Slow(Client):
    """Takes what it is sent when the gate opens."""

    async def send(self, message):
        await super().send(message)
        await asyncio.to_thread(urls.GATE.wait, 20)


def test_a_thread_is_free_before_the_client_has_taken_all(serve, threads):
    """A slow client keeps nothing but its answer."""
    application = serve(__name__)
    pool = threads(1)

    async def slow():
        client = Slow()
        asked = asyncio.create_task(ask(application, "/pauses/", client=client))
        await until(client.started.is_set)
        await until(lambda: pool.free, 5)
        urls.GATE.set()
        return (await asked).status

    assert run(slow()) == 200
    assert len(pool.workers) == 1


def test_what_a_task_left_to_the_thread_is_waited_for(serve):
    """By the request, once it is answered: a server that ends in good manners lets it end."""
    application = serve(__name__)

    async def served():
        asking = asyncio.create_task(ask(application, "/leaves/"))
        await until(lambda: CLOSED)
        for _ in range(50):
            await asyncio.sleep(0)
        early = asking.done()
        urls.GATE.set()
        await asking
        return early

    assert not run(served())
