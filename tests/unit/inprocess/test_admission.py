"""A process takes so many WebSockets and event streams; further ones get 503."""

import asyncio
import logging

import pytest
from inprocess.calling import http, websocket
from inprocess.connections import Open, open_socket, open_stream

from django_tandem import environment
from django_tandem.inprocess import admission
from django_tandem.inprocess.admission import Admission
from django_tandem.inprocess.asgi_connections import AsgiConnections
from django_tandem.inprocess.denial import DENIAL
from django_tandem.inprocess.open_connections import OpenConnections
from django_tandem.model import ConnectionAges, ConnectionLimits

EVENTS = (b"content-type", b"text/event-stream")
ACCEPTS = {"headers": [(b"accept", b"text/event-stream")]}
# As clients of MCP send it with every POST.
PAGE_OR_STREAM = {"headers": [(b"accept", b"application/json, text/event-stream")]}
CONNECT = {"type": "websocket.connect"}
GONE = {"type": "websocket.disconnect", "code": 1001}
WITH_DENIALS = {"extensions": {DENIAL: {}}}


async def consumer(_scope, receive, send):
    """Accept, and return on a disconnect."""
    await receive()
    await send({"type": "websocket.accept"})
    while (await receive())["type"] != "websocket.disconnect":
        pass


async def stream(_scope, receive, send):
    """Stream until a disconnect."""
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": [EVENTS]})
    await send({"type": "http.response.body", "body": b"x", "more_body": True})
    await receive()


async def download(_scope, receive, send):
    """Send a body that has an end, until a disconnect."""
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"part", "more_body": True})
    await receive()


def serving(application, run_dir, **limits):
    """Return the application with these bounds, and its admission."""
    admitting = Admission(ConnectionLimits(**limits))
    return AsgiConnections(application, OpenConnections(run_dir, 7), admitting), admitting


async def rejected(application, **changes):
    """Open a WebSocket that is not accepted, and return what was sent."""
    opened = Open(application, websocket(**changes), CONNECT)
    await opened.ended()
    return opened.sent


def test_exactly_the_bound_is_accepted(tmp_path):
    """Of handshakes that arrive at once."""
    served, admitting = serving(consumer, tmp_path, websockets=3)

    async def run():
        opened = [Open(served, websocket(**WITH_DENIALS), CONNECT) for _ in range(10)]
        await opened[0].until(lambda: all(each.sent for each in opened))
        return [each.sent[0] for each in opened]

    answers = asyncio.run(run())

    assert [each["type"] for each in answers[:3]] == ["websocket.accept"] * 3
    assert {each["status"] for each in answers[3:]} == {503}
    assert admitting.refused == 7


def test_a_denied_handshake_has_a_jittered_retry_after(tmp_path):
    """By the extension for denials; the project gets nothing of it."""
    served, _ = serving(consumer, tmp_path, websockets=0)

    sent = [asyncio.run(rejected(served, **WITH_DENIALS)) for _ in range(40)]
    waits = {int(dict(start["headers"])[b"retry-after"]) for start, _ in sent}

    assert sent[0][1] == {"type": f"{DENIAL}.body", "body": b"Service Unavailable"}
    assert min(waits) >= 2
    assert max(waits) <= 10
    assert len(waits) > 1


def test_without_the_extension_a_handshake_is_closed_before_its_accept(tmp_path):
    """The server makes a 403 of it."""
    served, _ = serving(consumer, tmp_path, websockets=0)

    assert asyncio.run(rejected(served)) == [{"type": "websocket.close", "code": 1013}]


@pytest.mark.parametrize("how", ["client", "server", "before", "error", "cancelled"])
def test_a_closed_websocket_releases_its_permit_at_once(tmp_path, how):
    """However it ends, and while its consumer still cleans up."""
    is_clean = asyncio.Event()

    async def ending(_scope, receive, send):
        await receive()
        if how != "before":
            await send({"type": "websocket.accept"})
        if how == "error":
            raise ValueError
        if how == "server":
            await send({"type": "websocket.close", "code": 4000})
        if how in ("client", "before", "cancelled"):
            await receive()
        await is_clean.wait()

    served, admitting = serving(ending, tmp_path, websockets=1)

    async def run():
        opened = Open(served, websocket(), CONNECT)
        if how in ("client", "before"):
            opened.incoming.put_nowait(GONE)
        await opened.until(lambda: opened.sent or how == "before")
        if how == "cancelled":
            opened.task.cancel()
        await opened.until(lambda: admitting.open["websocket"] == 0)
        is_running = not opened.task.done()
        is_clean.set()
        await asyncio.gather(opened.task, return_exceptions=True)
        await open_socket(AsgiConnections(consumer, OpenConnections(tmp_path, 7), admitting))
        return is_running

    assert asyncio.run(run()) == (how in ("client", "server", "before"))


def test_a_stream_beyond_the_bound_gets_503_in_its_place(tmp_path):
    """The client did not announce it, so its view has run: it is disconnected."""
    served, admitting = serving(stream, tmp_path, streams=1)

    async def run():
        await open_stream(served)
        other = Open(served, http(), {"type": "http.request", "body": b""})
        await other.ended()
        return other.sent

    start, body = asyncio.run(run())

    assert start["status"] == 503
    assert dict(start["headers"])[b"retry-after"]
    assert body == {"type": "http.response.body", "body": b"Service Unavailable"}
    assert admitting.open == {"websocket": 0, "stream": 0}
    assert admitting.refused == 1


def test_a_get_that_accepts_a_stream_by_name_is_denied_before_its_view(tmp_path):
    """As EventSource does; a POST reaches its view, since a client may accept a page as well."""
    called = []

    async def view(scope, receive, send):
        called.append(scope["method"])
        await stream(scope, receive, send)

    served, _ = serving(view, tmp_path, streams=1)

    async def run():
        await open_stream(served, **ACCEPTS)
        other = Open(served, http(**ACCEPTS))
        await other.ended()
        posted = await open_stream(served, method="POST", **PAGE_OR_STREAM)
        return other.sent[0]["status"], posted.sent[0]["status"]

    assert asyncio.run(run()) == (503, 200)
    assert called == ["GET", "POST"]


def test_a_response_to_a_post_acquires_a_permit_and_is_never_cut_off(tmp_path):
    """Its view may have changed something: a 503 would have the client repeat it."""
    served, admitting = serving(stream, tmp_path, streams=1)

    async def run():
        await open_stream(served)
        other = await open_stream(served, method="POST")
        return other.sent[0]["status"], admitting.open["stream"]

    assert asyncio.run(run()) == (200, 2)


def test_a_response_that_is_no_stream_releases_its_permit(tmp_path):
    """At its start, also where its client accepts a stream; a download may be long."""
    served, admitting = serving(download, tmp_path, streams=1)

    async def run():
        begun = [await open_stream(served, **changes) for changes in (ACCEPTS, {}, ACCEPTS)]
        return [each.sent[0]["status"] for each in begun], admitting.open, admitting.refused

    free = {"websocket": 0, "stream": 0}
    assert asyncio.run(run()) == ([200] * 3, free, 0)


def test_a_bound_of_one_kind_is_none_of_the_other(tmp_path):
    """Each kind has its own permits."""
    served, _ = serving(stream, tmp_path, websockets=0)

    opened = asyncio.run(open_stream(served))

    assert opened.sent[0]["status"] == 200


def test_rejections_are_logged_once_in_a_while(tmp_path, caplog, monkeypatch):
    """With how many there were of each kind."""
    now = [100.0]
    monkeypatch.setattr(admission.time, "monotonic", lambda: now[0])
    admitting = Admission(ConnectionLimits(websockets=0, streams=0))

    with caplog.at_level(logging.WARNING, "django_tandem.asgi"):
        for kind in ("websocket", "websocket", "stream", "websocket"):
            admitting.acquire(kind)
        now[0] += 11
        admitting.acquire("websocket")

    assert [each.getMessage() for each in caplog.records] == [
        f"Rejected {rejected} with 503: this process has 0 open, the limit of "
        f'TANDEM["ASGI"]["{limit}"].'
        for rejected, limit in (
            ("1 WebSocket", "MAX_WEBSOCKETS"),
            ("1 event stream", "MAX_STREAMS"),
            ("3 WebSockets", "MAX_WEBSOCKETS"),
        )
    ]


def test_a_websocket_ends_at_its_greatest_age(tmp_path):
    """As at a drain: the client gets 1012, and so does the consumer."""
    served, _ = serving(consumer, tmp_path, ages=ConnectionAges(websockets_s=0.05))

    async def run():
        opened = await open_socket(served)
        await opened.ended()
        return opened.sent[-1], opened.sent_at[-1] - opened.sent_at[0]

    close, age_s = asyncio.run(run())

    assert close == {"type": "websocket.close", "code": 1012, "reason": "Service restart"}
    assert 0.04 <= age_s < 1


def test_a_stream_ends_at_its_greatest_age(tmp_path):
    """Its body ends normally, and its view is disconnected."""
    served, _ = serving(stream, tmp_path, ages=ConnectionAges(streams_s=0.05))

    async def run():
        opened = await open_stream(served)
        await opened.ended()
        return opened.sent[-1]

    assert asyncio.run(run()) == {"type": "http.response.body", "body": b"", "more_body": False}


def test_connections_that_began_together_end_apart(tmp_path):
    """Each within the last fifth of the age."""
    admitting = Admission(ConnectionLimits(ages=ConnectionAges(streams_s=100)))

    ages = [admitting.acquire("stream").max_age_s for _ in range(50)]

    assert 80 <= min(ages) < 85
    assert 95 < max(ages) <= 100


def test_the_bounds_come_from_the_environment(monkeypatch):
    """As the plan has written them; without them there are none."""
    limits = ConnectionLimits(websockets=5, streams=6, ages=ConnectionAges(streams_s=60))
    monkeypatch.setenv(environment.CONNECTIONS, limits.as_text())
    given = admission.from_environment()
    monkeypatch.delenv(environment.CONNECTIONS)
    unbounded = admission.from_environment()

    assert given.bounds == {"websocket": 5, "stream": 6}
    assert given.ages == {"websocket": None, "stream": 60}
    assert unbounded.bounds == {"websocket": None, "stream": None}
