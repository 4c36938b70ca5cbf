"""The request id holds for the length of a request, on both stacks, and no longer."""

import asyncio
import io
import logging
import logging.handlers
import queue
from wsgiref.util import FileWrapper

import pytest
from asgiref.sync import sync_to_async
from inprocess.calling import call, http, websocket

from django_tandem.inprocess.request_id import AsgiRequestId, WsgiRequestId
from django_tandem.request_id import RequestIdFilter, get_request_id, stamp_records

GIVEN = {"HTTP_X_REQUEST_ID": "abc"}
HEADERS = [(b"x-request-id", b"abc")]


class Body:
    """A body that notes the id while it is iterated, and when it is closed."""

    def __init__(self) -> None:
        self.seen = []

    def __iter__(self):
        self.seen.append(get_request_id())
        yield b"part"

    def close(self) -> None:
        self.seen.append(get_request_id())


def test_on_wsgi_the_id_holds_until_the_response_is_closed() -> None:
    """In the view, while a stream is iterated, and in what is called at its end."""
    body, seen = Body(), []

    def application(_environ, _start_response):
        seen.append(get_request_id())
        return body

    returned = WsgiRequestId(application)(GIVEN, lambda *_: None)
    assert list(returned) == [b"part"]
    returned.close()

    assert [*seen, *body.seen, get_request_id()] == ["abc", "abc", "abc", ""]


@pytest.mark.parametrize("make", [list, lambda: FileWrapper(io.BytesIO()), io.BytesIO])
def test_a_body_that_a_server_sends_by_its_type_stays_what_it_is(make) -> None:
    """A list has its length, and a file is sent by the kernel."""
    body = make()
    environ = {**GIVEN, "wsgi.file_wrapper": FileWrapper}

    assert WsgiRequestId(lambda *_: body)(environ, lambda *_: None) is body
    assert get_request_id() == ""


def test_on_wsgi_an_error_ends_the_id() -> None:
    """The thread serves other requests, and logs between them."""

    def fail(*_):
        raise RuntimeError

    with pytest.raises(RuntimeError):
        WsgiRequestId(fail)(GIVEN, lambda *_: None)

    assert get_request_id() == ""


@pytest.mark.parametrize("make", [http, websocket])
def test_on_asgi_the_id_reaches_threads_and_tasks(make) -> None:
    """A copied context has it; the next request in the same task does not."""
    seen = []

    async def task():
        seen.append(get_request_id())

    async def application(_scope, _receive, _send):
        seen.append(get_request_id())
        await asyncio.ensure_future(task())
        seen.append(await sync_to_async(get_request_id)())

    async def two_requests(scope, receive, send):
        layer = AsgiRequestId(application)
        await layer({**scope, "headers": HEADERS}, receive, send)
        seen.append(get_request_id())
        await layer(scope, receive, send)

    call(two_requests, make())

    assert seen == ["abc"] * 3 + [""] * 4


def test_a_lifespan_has_no_id() -> None:
    """It has no headers either."""
    seen = []

    async def application(_scope, _receive, _send):
        seen.append(get_request_id())

    call(AsgiRequestId(application), {"type": "lifespan"})

    assert seen == [""]


def test_the_filter_adds_the_id_to_each_record() -> None:
    """A dash outside of a request, so that a format string always has it."""
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    handler.setFormatter(logging.Formatter("%(request_id)s %(message)s"))
    handler.addFilter(RequestIdFilter())
    record = logging.makeLogRecord({"msg": "hello"})

    def application(*_):
        handler.handle(record)
        return []

    WsgiRequestId(application)(GIVEN, lambda *_: None)
    handler.handle(record)

    assert text.getvalue() == "abc hello\n- hello\n"


def test_a_record_keeps_the_id_for_another_thread(monkeypatch) -> None:
    """Such as that of a QueueListener; an ``extra`` of that name stays possible."""
    monkeypatch.setattr(logging, "_logRecordFactory", logging.LogRecord)
    stamp_records()
    stamp_records()
    text, records = io.StringIO(), queue.SimpleQueue()
    handler = logging.StreamHandler(text)
    handler.setFormatter(logging.Formatter("%(request_id)s %(message)s"))
    handler.addFilter(RequestIdFilter())
    logger = logging.Logger("shop")
    logger.addHandler(logging.handlers.QueueHandler(records))

    def application(*_):
        logger.warning("within", extra={"request_id": "mine"})
        return []

    WsgiRequestId(application)(GIVEN, lambda *_: None)
    logger.warning("outside")
    listener = logging.handlers.QueueListener(records, handler)
    listener.start()
    listener.stop()

    assert text.getvalue() == "abc within\n- outside\n"
