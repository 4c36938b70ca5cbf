"""The header by which the edge's access log has the route and the queue of a request."""

import pytest
from inprocess.calling import call, http

from django_tandem.inprocess.access_log import CpuUse, describe, queued_s
from django_tandem.inprocess.handover import AsgiHandover, WsgiHandover


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ("t=100.250", 0.75),
        ("t=100.250000", 0.75),
        ("t=101.500", 0.0),
        ("", None),
        ("t=", None),
        ("t=100", None),
        ("t=1e9.5", None),
        ("100.250", None),
    ],
)
def test_the_queue_is_the_time_since_the_edge_sent_the_request(start, expected) -> None:
    """Not negative where the clock was set back; unknown without the edge's header."""
    assert queued_s(start, lambda: 101.0) == expected


@pytest.mark.parametrize(
    ("route", "expected"),
    [
        ("/lots/<int:number>/", "/lots/<int:number>/"),
        (r"/(?P<year>\d{4})/", r"/(?P<year>\d{4})/"),
        ("/caf\xe9/", r"/caf\xe9/"),
        ("/a\n  # verbose\r\n b", "/a   # verbose  b"),
        ("/" + "x" * 1000, "/" + "x" * 499),
    ],
)
def test_the_route_is_as_the_urlconf_has_it(route, expected) -> None:
    """In ASCII on one line, as a header has to be, and not longer than one may be."""
    assert describe(route, 0.0126) == [("X-Tandem-Request", f"0.013 {expected}")]


def test_a_request_without_a_route_has_its_queue() -> None:
    """In seconds."""
    assert describe("", 0.0126) == [("X-Tandem-Request", "0.013")]


def test_the_cpu_time_is_in_seconds() -> None:
    """To a microsecond, and followed by the delay where there was one."""
    (short,), (rounded,), (delayed,) = (
        describe("/a/", 0.002, use)
        for use in (CpuUse(0.0000004, 0.0), CpuUse(1.2345678, 0.0009), CpuUse(1.0, 0.25))
    )

    assert short == ("X-Tandem-Request", "0.002 0.000000 /a/")
    assert rounded == ("X-Tandem-Request", "0.002 1.234568 /a/")
    assert delayed == ("X-Tandem-Request", "0.002 1.000000 0.250000 0.000000 /a/")


@pytest.fixture
def is_json(monkeypatch) -> None:
    monkeypatch.setenv("TANDEM_LOG_FORMAT", "json")


# In the future, so that the queue is known.
START = "t=9999999999.000"
EDGE = {"HTTP_X_REAL_IP": "192.0.2.1", "HTTP_X_REQUEST_START": START}


def wsgi_headers(**environ: str) -> list[tuple[str, str]]:
    started: list[tuple[str, list[tuple[str, str]]]] = []

    def application(_environ, start_response):
        start_response("200 OK", [("X-Own", "1")])
        return []

    given = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", **environ}
    WsgiHandover(application, (), None)(given, lambda *start: started.append(start))
    return started[0][1]


def asgi_headers(*headers: tuple[bytes, bytes]) -> list[tuple[bytes, bytes]]:
    async def application(_scope, _receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x-own", b"1")]})

    return call(AsgiHandover(application, None), http(headers=list(headers)))[0]["headers"]


def test_each_stack_adds_the_headers_to_its_response(is_json) -> None:
    """Only where the edge has sent the request, which removes them."""
    edge = [(b"x-real-ip", b"192.0.2.1"), (b"x-request-start", START.encode())]

    assert wsgi_headers(**EDGE) == [("X-Own", "1"), ("X-Tandem-Request", "0.000")]
    assert asgi_headers(*edge) == [(b"x-own", b"1"), (b"x-tandem-request", b"0.000")]
    assert wsgi_headers(HTTP_X_REQUEST_START=START) == [("X-Own", "1")]
    assert asgi_headers(edge[1]) == [(b"x-own", b"1")]


def test_a_stack_that_logs_text_adds_none() -> None:
    """Its access log has neither."""
    assert wsgi_headers(**EDGE) == [("X-Own", "1")]


def test_a_response_that_starts_with_its_body_has_one_header_of_the_stack(is_json, monkeypatch):
    """A generator starts it when it is iterated, after the layer has looked at its headers."""
    monkeypatch.setenv("TANDEM_HANDOVER", "1")
    started = []

    def application(_environ, start_response):
        start_response("200 OK", [("x-tandem-request", "9 9 /own/"), ("X-Own", "1")])
        yield b"ok"

    layer = WsgiHandover(application, (), None)
    given = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", **EDGE}
    list(layer(given, lambda *start: started.append(start)))

    assert started[0][1] == [("X-Own", "1"), ("X-Tandem-Request", "0.000")]
