"""Disconnects, request bodies and streams: as with Django's own handler."""

import asyncio
import logging

import pytest
from django.core.handlers.asgi import ASGIHandler

from handler import urls
from handler.client import Client, request_once, run, send_request, until

URLS = "handler.urls"
SECURITY = "django.middleware.security.SecurityMiddleware"


@pytest.fixture(autouse=True)
def noted():
    urls.NOTED.clear()


@pytest.fixture(params=["ours", "stock"])
def application(request, serve):
    """Each handler in turn: both must behave alike."""
    ours = serve(URLS, SECURITY)
    return ours if request.param == "ours" else ASGIHandler()


async def leaves(application, path, moment):
    """Send a request, and disconnect at the given moment."""
    client = Client()
    asking = asyncio.create_task(send_request(application, path, client=client))
    await until(lambda: moment(client))
    client.gone.set()
    await asking
    return client


def test_a_disconnect_cancels_the_view(application):
    """The view gets CancelledError, and no response is sent."""
    client = run(leaves(application, "/cancelled/", lambda _: urls.NOTED))

    assert urls.NOTED == ["begun", "cancelled"]
    assert client.sent == []


def test_a_view_may_ignore_a_disconnect(application):
    """Its response is still sent."""
    client = run(leaves(application, "/stubborn/", lambda _: urls.NOTED))

    assert (client.status, client.text) == (200, "all the same")


def test_a_disconnect_closes_a_stream(application):
    """At the part that is being made."""
    client = run(leaves(application, "/stream/", lambda client: client.started.is_set()))

    assert urls.NOTED == ["closed"]
    assert client.status == 200


def test_the_body_stays_open_for_a_sync_view_after_a_disconnect(application):
    """The view continues on its thread, and may still read it."""
    run(leaves(application, "/reads-late/", lambda _: urls.NOTED))

    assert urls.NOTED == ["begun", b""]


def test_the_servers_task_is_not_left_cancelled(serve):
    """Its own timeouts count how often it was cancelled."""
    application = serve(URLS, SECURITY)

    async def served():
        client = Client()

        async def go():
            await until(lambda: urls.NOTED)
            client.gone.set()

        going = asyncio.create_task(go())
        await send_request(application, "/cancelled/", client=client)
        await going
        return asyncio.current_task().cancelling()

    assert run(served()) == 0


def test_a_cancellation_by_the_server_reaches_the_view(serve):
    """The server's task ends as cancelled, and no other task is left."""
    application = serve(URLS, SECURITY)

    async def served():
        before = asyncio.all_tasks()
        task = asyncio.create_task(send_request(application, "/cancelled/"))
        await until(lambda: urls.NOTED)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return task.cancelled(), asyncio.all_tasks() - before

    assert run(served()) == (True, set())
    assert urls.NOTED == ["begun", "cancelled"]


@pytest.mark.parametrize("order", ["disconnect first", "server first", "at once"])
def test_a_disconnect_does_not_hide_that_the_server_cancels(serve, order):
    """A server that shuts down cancels requests, some of which have just lost their client."""
    application = serve(URLS, SECURITY)

    async def served():
        client = Client()
        task = asyncio.create_task(send_request(application, "/cancelled-slowly/", client=client))
        await until(lambda: urls.NOTED)
        if order != "server first":
            client.gone.set()
        if order == "disconnect first":
            await until(lambda: "cancelled" in urls.NOTED)
        task.cancel()
        if order == "server first":
            client.gone.set()
        await asyncio.wait([task])
        return task.cancelled()

    assert run(served())


def test_a_cancellation_from_before_is_not_counted(serve):
    """A task that handles its cancellation may serve a last request, whose client may leave."""
    application = serve(URLS, SECURITY)

    async def served():
        async def last_request():
            try:
                await asyncio.sleep(10)
            except asyncio.CancelledError:
                client = Client()
                asyncio.get_running_loop().call_later(0.05, client.gone.set)
                await send_request(application, "/cancelled/", client=client)
            return asyncio.current_task().cancelling()

        task = asyncio.create_task(last_request())
        await asyncio.sleep(0.01)
        task.cancel()
        return await task

    assert run(served()) == 1


def test_a_disconnect_before_the_end_of_the_body_ends_the_request(application):
    """The view is not called."""
    client = Client(body=[])
    client.gone.set()

    async def served():
        await send_request(application, "/echo/", client=client)

    run(served())

    assert client.sent == []


@pytest.mark.parametrize("parts", [1, 3])
@pytest.mark.parametrize("size", [10, 3_000_000])
def test_a_view_reads_the_whole_body(application, parts, size):
    """In one message or several, in memory or on disk."""
    body = [b"x" * size] * parts

    client = Client(body=list(body))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.conf.settings.DATA_UPLOAD_MAX_MEMORY_SIZE", None)
        got = request_once(application, "/echo/", method="POST", client=client)

    assert len(got.text) == size * parts


def test_a_message_after_the_body_is_an_error(application):
    """Django raises AssertionError, and so does ours."""
    client = Client()

    async def receive():
        if client.body:
            return {"type": "http.request", "body": client.body.pop()}
        return {"type": "http.request", "body": b"more"}

    client.receive = receive
    with pytest.raises(AssertionError, match="Invalid ASGI message"):
        request_once(application, "/cancelled/", client=client)


def test_streams_are_sent_part_by_part(application):
    """Those of a synchronous generator as well."""
    client = request_once(application, "/sync-stream/")

    assert client.text == "0 1 2 "
    assert len(client.sent) == 5


def test_a_timeout_in_a_view_stays_in_the_view(application):
    """Although the view runs in the server's task."""
    assert request_once(application, "/timeout/").text == "timed out"


@pytest.mark.parametrize("path", ["/fails/", "/fails-too/"])
def test_an_error_is_a_500_and_is_logged_once(application, path, caplog):
    """With its traceback."""
    with caplog.at_level(logging.ERROR, logger="django.request"):
        client = request_once(application, path)

    assert client.status == 500
    assert [str(record.exc_info[1]) for record in caplog.records] == ["meant to"]


def test_only_http_is_served(application):
    """Other protocols raise ValueError, as in Django."""
    with pytest.raises(ValueError, match="HTTP"):
        run(application({"type": "websocket"}, None, None))
