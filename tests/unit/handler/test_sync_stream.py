"""A streaming response over a plain generator is sent part by part, on the request's thread."""

import asyncio
import threading
import time
from pathlib import Path

import pytest
from django.core.handlers.asgi import ASGIHandler
from django.http import FileResponse, StreamingHttpResponse
from django.urls import path
from django.utils import translation

from django_tandem.handler import wait_queue
from handler import urls
from handler.client import Client, request_once, run, send_request, thread_switches, until

GZIP = "django.middleware.gzip.GZipMiddleware"
STEPS = threading.Semaphore(0)
NOTED = []


@pytest.fixture(autouse=True)
def nothing_noted():
    """Forget the steps and notes of the last test."""
    while STEPS.acquire(blocking=False):
        pass
    NOTED.clear()
    urls.GATE.clear()
    yield
    urls.GATE.set()


def steps():
    """Make a part for each step that the test allows, forever."""
    try:
        for number in range(10**6):
            STEPS.acquire()
            NOTED.append(threading.get_ident())
            yield f"data: {number}\n\n"
    finally:
        NOTED.append("closed")


def ticks():
    """Make a part every moment, forever."""
    try:
        while True:
            yield b"tick"
            time.sleep(0.005)
    finally:
        NOTED.append("closed")


def greetings():
    with translation.override("de"):
        for _ in range(3):
            yield translation.get_language()
            yield "x" * 70_000


def fails():
    yield b"a part"
    raise ValueError("meant to")


def respond(make, **headers):
    def view(request):
        return StreamingHttpResponse(make(), **headers)

    return view


async def from_async_view(request):
    return StreamingHttpResponse(ticks())


urlpatterns = [
    path("steps/", respond(steps, content_type="text/event-stream")),
    path("ticks/", respond(ticks)),
    path("from-async/", from_async_view),
    path("many/", respond(lambda: (b"%d," % number for number in range(10_000)))),
    path("large/", respond(lambda: (b"x" * 100_000 for _ in range(5)))),
    path("greetings/", respond(greetings)),
    path("fails/", respond(fails)),
    path("file/", lambda _: FileResponse(Path(__file__).open("rb"))),  # noqa: SIM115
    path("list/", respond(lambda: ["a", "b"])),
    path("empty/", respond(lambda: iter(()))),
    path("gate/", urls.waits_for_the_gate),
    path("sync/", urls.sync_view),
]


def parts_of(client):
    return [message["body"] for message in client.sent[1:] if message.get("body")]


def test_each_part_is_sent_when_it_is_made(serve):
    """And on the thread of the request, before the next one is."""
    application = serve(__name__)

    async def served():
        client = Client()
        asking = asyncio.create_task(send_request(application, "/steps/", client=client))
        for count in range(1, 4):
            STEPS.release()
            await until(lambda count=count: len(parts_of(client)) == count)
        client.gone.set()
        await until(lambda: STEPS.release() or asking.done())
        return client

    client = run(served())

    assert parts_of(client)[:3] == [b"data: 0\n\n", b"data: 1\n\n", b"data: 2\n\n"]
    assert NOTED.pop() == "closed"
    assert len(set(NOTED)) == 1
    assert threading.get_ident() not in NOTED


@pytest.mark.parametrize("where", ["/ticks/", "/from-async/"])
def test_a_client_that_leaves_ends_the_generator_and_frees_its_thread(serve, threads, where):
    """Fifteen, one after another, on two threads; none of them is rejected."""
    application = serve(__name__)
    pool = threads(2)

    async def leaves():
        client = Client()
        asking = asyncio.create_task(send_request(application, where, client=client))
        await until(lambda: len(parts_of(client)) > 2)
        client.gone.set()
        await asking
        return client.status

    async def served():
        return [await leaves() for _ in range(15)], (
            await send_request(application, "/sync/")
        ).status

    assert run(served()) == ([200] * 15, 200)
    assert NOTED == ["closed"] * 15
    run(until(lambda: len(pool.free) == pool.size == len(pool.threads)))


def test_a_client_that_does_not_read_and_leaves_ends_the_generator(serve):
    """The response is cancelled while a part is sent, and not while one is made."""
    application = serve(__name__)

    class Stuck(Client):
        async def send(self, message):
            await super().send(message)
            if len(parts_of(self)) > 2:
                await asyncio.sleep(60)

    async def served():
        client = Stuck()
        asking = asyncio.create_task(send_request(application, "/ticks/", client=client))
        await until(lambda: len(parts_of(client)) > 2)
        client.gone.set()
        async with asyncio.timeout(5):
            await asking

    run(served())

    assert NOTED == ["closed"]


def test_a_server_that_cancels_a_stream_ends_the_generator(serve):
    """As at a shutdown."""
    application = serve(__name__)

    async def served():
        client = Client()
        asking = asyncio.create_task(send_request(application, "/ticks/", client=client))
        await until(lambda: len(parts_of(client)) > 2)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        return asking.cancelled()

    assert run(served())
    assert NOTED == ["closed"]


def test_streams_keep_no_other_request_waiting(serve, threads):
    """Their threads leave the bound, up to the limit of overflow threads."""
    application = serve(__name__)
    pool = threads(2)

    async def served():
        clients = [Client() for _ in range(6)]
        streams = [
            asyncio.create_task(send_request(application, "/ticks/", client=client))
            for client in clients
        ]
        await until(lambda: all(len(parts_of(client)) > 2 for client in clients))
        answers = [(await send_request(application, "/sync/")).status for _ in range(3)]
        counts = pool.counts()
        for client in clients:
            client.gone.set()
        await asyncio.gather(*streams)
        return answers, counts

    answers, counts = run(served())

    assert answers == [200] * 3
    assert (counts.size, counts.rejected) == (2, 0)
    assert counts.overflow >= 5
    run(until(lambda: len(pool.free) == pool.size == len(pool.threads)))


def test_a_stream_without_a_free_thread_gets_503(serve, threads, monkeypatch):
    """Where an async view returns it, and no thread was needed before."""
    monkeypatch.setattr(wait_queue, "MAX_WAIT_S", 0.05)
    application = serve(__name__)
    threads(1)

    async def served():
        busy = asyncio.create_task(send_request(application, "/gate/"))
        await until(lambda: urls.NOTED)
        stream = await send_request(application, "/from-async/")
        urls.GATE.set()
        await busy
        return stream

    urls.NOTED.clear()
    stream = run(served())

    assert (stream.status, stream.headers["retry-after"]) == (503, "5")


@pytest.mark.parametrize("middleware", [(), (GZIP,)])
@pytest.mark.parametrize("where", ["/many/", "/large/", "/file/", "/list/", "/empty/"])
def test_other_streams_are_as_with_djangos_handler(serve, middleware, where):
    """Status, headers and body."""
    application = serve(__name__, *middleware)

    ours, stock = request_once(application, where), request_once(ASGIHandler(), where)

    assert (ours.status, list(ours.headers)) == (stock.status, list(stock.headers))
    assert b"".join(parts_of(ours)) == b"".join(parts_of(stock))
    assert ours.sent[-1] == stock.sent[-1]


def test_ten_thousand_small_parts_take_few_switches(serve):
    """The thread makes further parts while the first ones are sent."""
    application = serve(__name__)

    started = time.monotonic()
    client = request_once(application, "/many/")

    assert len(parts_of(client)) == 10_000
    assert time.monotonic() - started < 5


def test_the_thread_makes_no_more_than_is_sent(serve):
    """It continues when the client has taken the last parts."""
    application = serve(__name__)

    assert thread_switches(application, "/large/") > 5


def test_a_generator_keeps_its_context(serve):
    """What it has set for one part is set for the next one."""
    client = request_once(serve(__name__), "/greetings/")

    assert [part for part in parts_of(client) if len(part) == 2] == [b"de"] * 3


def test_an_error_in_a_generator_ends_the_response_as_with_django(serve):
    """It leaves the application, which has the server close the connection."""
    application = serve(__name__)
    client = Client()

    with pytest.raises(ValueError, match="meant to"):
        request_once(application, "/fails/", client=client)

    assert parts_of(client) == [b"a part"]
    with pytest.raises(ValueError, match="meant to"):
        request_once(ASGIHandler(), "/fails/")
