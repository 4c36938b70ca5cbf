"""A copy is sent to a stack as the edge would send it, and its response is read whole."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from mirror.stacks import http_response, stack

from django_tandem.mirror import exchange as module
from django_tandem.mirror.exchange import (
    Connections,
    CopiedRequest,
    NoResponseError,
    exchange,
)

REQUEST = CopiedRequest(
    method="GET",
    target="/lots/1/?page=2",
    headers=(
        ("Host", "lots.example"),
        ("Cookie", "sessionid=a"),
        ("X-Forwarded-For", "10.0.0.1"),
        ("X-Request-ID", "4bf9"),
        ("Accept-Encoding", "gzip"),
        ("If-None-Match", '"a"'),
        ("Connection", "close"),
        ("Upgrade", ""),
        ("X-Tandem-Handed", ""),
    ),
)


def test_a_copy_is_the_request_of_the_edge(tmp_path) -> None:
    """It is not handed over, its response is whole and plain, and its id names it."""
    seen = []

    def answer(target, headers) -> bytes:
        seen.append((target, headers))
        return http_response("ok", "X-A: 1", "X-A: 2")

    with stack(tmp_path / "wsgi.sock", answer):
        response = exchange(tmp_path / "wsgi.sock", REQUEST, Connections())

    assert (response.status, response.body) == (200, b"ok")
    assert response.values_of("x-a") == ("1", "2")
    ((target, headers),) = seen
    assert target == "/lots/1/?page=2"
    assert headers.pop("x-request-start").startswith("t=")
    assert headers == {
        "host": "lots.example",
        "cookie": "sessionid=a",
        "x-forwarded-for": "10.0.0.1",
        "x-request-id": "4bf9-mirror",
        "accept-encoding": "identity",
        "connection": "close",
        "x-tandem-handed": "1",
    }


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n",
    ],
)
def test_a_response_that_can_not_be_read_is_no_response(answer, tmp_path) -> None:
    """Nor is a stream, which has no end."""
    with stack(tmp_path / "s", lambda *_: answer), pytest.raises(NoResponseError):
        exchange(tmp_path / "s", REQUEST, Connections())


def test_a_stack_that_does_not_run_gives_no_response(tmp_path) -> None:
    """With the reason of the system."""
    with pytest.raises(NoResponseError, match="No such file"):
        exchange(Path(tmp_path / "none"), REQUEST, Connections())


def test_a_long_body_is_read_up_to_a_bound(tmp_path, monkeypatch) -> None:
    """Both stacks up to the same."""
    monkeypatch.setattr(module, "MOST_BYTES", 10)
    with stack(tmp_path / "s", lambda *_: http_response("x" * 100)):
        assert exchange(tmp_path / "s", REQUEST, Connections()).body == b"x" * 10


def test_an_exchange_that_is_closed_ends_without_a_response(tmp_path) -> None:
    """Its stack may hang for longer than anybody waits; a later exchange does not begin."""
    connections = Connections()
    reached, released = threading.Event(), threading.Event()

    def hanging(*_: object) -> bytes:
        reached.set()
        released.wait(30)
        return http_response("ok")

    with stack(tmp_path / "s", hanging), ThreadPoolExecutor(1) as threads:
        found = threads.submit(exchange, tmp_path / "s", REQUEST, connections)
        assert reached.wait(30)
        connections.close()
        error = found.exception(30)
        released.set()
        with pytest.raises(NoResponseError, match="the mirror ends"):
            exchange(tmp_path / "s", REQUEST, connections)

    assert isinstance(error, NoResponseError)
