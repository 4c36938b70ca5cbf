"""The HTTP load: its requests, how responses and failures count, and the end of a round."""

import asyncio
import socket
from typing import Any

import pytest
import uvloop
from bench.scripted_server import OK, Client, load_against, load_on, responding, serving_script

from django_tandem.bench import http_load
from django_tandem.bench.http_load import TIMED_OUT, drive
from django_tandem.bench.launch import free_address

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
EMPTY = b"HTTP/1.1 204 No Content\r\n\r\n"
LAST = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"
UNSIZED = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall there is"


@pytest.mark.parametrize("answer", [OK, CHUNKED, EMPTY])
def test_a_kept_connection_is_reused(answer) -> None:
    """One connection, many responses, each with its latency."""
    load, server = load_against(responding(answer), connections=2)

    assert server.connections == 2
    assert 2 < load.answered == len(load.seconds) == len(server.requests)
    assert not load.why


def test_a_closed_connection_is_reopened() -> None:
    """`Connection: close` is not a failure."""
    load, server = load_against(responding(LAST, times=1))

    assert 1 < load.answered == server.connections == len(server.requests)
    assert not load.why


def test_the_end_of_the_connection_may_end_a_response() -> None:
    """One without Content-Length is complete then."""
    load, server = load_against(responding(UNSIZED, times=1))

    assert 1 < load.answered == server.connections
    assert not load.why


@pytest.mark.parametrize(
    "informational",
    [
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nLink: </site.css>; rel=preload\r\n\r\n",
    ],
)
def test_an_informational_response_does_not_count(informational) -> None:
    """The final response follows it."""
    hasty: list[bool] = []

    async def informationaling(client: Client) -> None:
        while await client.received():
            client.writer.write(informational)
            try:
                hasty.append(await asyncio.wait_for(client.received(), 0.02))
            except TimeoutError:
                client.writer.write(informational + OK)

    load, server = load_against(informationaling)

    assert hasty == []
    assert 1 < load.answered == len(server.requests)
    assert not load.why


def test_an_informational_response_alone_is_a_broken_connection() -> None:
    """It has no Content-Length, and still is not the response."""
    load, server = load_against(responding(b"HTTP/1.1 103 Early Hints\r\n\r\n", times=1))

    assert load.answered == 0
    assert load.why == {"connection broken": server.connections}


@pytest.mark.parametrize("status", [301, 304, 400, 404, 429, 500, 503])
def test_a_status_from_300_on_is_a_failure(status) -> None:
    """A redirect is not the page. Its latency does not count."""
    load, server = load_against(responding(b"HTTP/1.1 %d No\r\nContent-Length: 0\r\n\r\n" % status))

    assert load.why == {f"status {status}": len(server.requests)}
    assert (load.answered, load.seconds) == (0, [])


@pytest.mark.parametrize("status", [200, 204])
def test_a_status_below_300_is_a_success(status) -> None:
    """With or without a body."""
    load, server = load_against(
        responding(b"HTTP/1.1 %d Yes\r\nContent-Length: 0\r\n\r\n" % status)
    )

    assert 1 < load.answered == len(server.requests)
    assert not load.why


@pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"HTTP/1.1 200",
        b"HTTP/1.1 200 OK\r\nContent-",
        b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nnot all",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n",
    ],
)
def test_a_truncated_response_is_a_failure(begun) -> None:
    """At any byte."""
    load, server = load_against(responding(begun, times=1))

    assert load.why == {"connection broken": len(server.requests)}
    assert (load.answered, load.seconds) == (0, [])


def test_earlier_responses_of_a_broken_connection_count() -> None:
    """Only the last request failed."""

    async def thrice(client: Client) -> None:
        for _ in range(3):
            await client.received()
            client.writer.write(OK)
        await client.received()

    load, server = load_against(thrice)

    assert load.answered >= 3
    assert load.why.total() == len(server.requests) - load.answered
    assert set(load.why) <= {"connection broken"}


@pytest.mark.parametrize("answer", [b"SSH-2.0-OpenSSH_9.2\r\n", b"\x15\x03\x01\x00\x02\x02\x50"])
def test_another_protocol_is_named_in_the_failure(answer) -> None:
    """Another program listens there, or it is TLS."""
    load, server = load_against(responding(answer))

    assert load.why == {"not HTTP": len(server.requests)}


def test_an_unrequested_upgrade_is_a_failure() -> None:
    """What follows is not HTTP."""
    switched = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"
    load, server = load_against(responding(switched))

    assert load.why == {"not HTTP": len(server.requests)}


def test_a_refused_connection_is_a_failure() -> None:
    """With the system's message; retries are slow."""
    port = int(free_address().rpartition(":")[2])
    load = load_on(port)
    uvloop.run(drive(load, 1))

    assert set(load.why) == {"no connection: Connection refused"}
    assert load.why.total() <= 0.2 / http_load.RETRY_S + 1


def _request_of(**workload: Any) -> tuple[str, list[tuple[str, str]], str]:
    """Return the request line, the headers and the body that a server received."""
    _, server = load_against(responding(OK), seconds=0.1, **workload)
    assert len(set(server.requests)) == 1
    head, _, body = server.requests[0].decode().partition("\r\n\r\n")
    first, *lines = head.split("\r\n")
    headers = [line.partition(": ") for line in lines]
    return first, [(name.lower(), value) for name, _, value in headers], body


def test_the_address_is_the_default_host() -> None:
    """The path and the query are unchanged."""
    first, headers, body = _request_of(path="/api/lots/?page=2")

    assert (first, body) == ("GET /api/lots/?page=2 HTTP/1.1", "")
    assert dict(headers)["host"].startswith("127.0.0.1:")
    assert "content-length" not in dict(headers)


def test_a_body_has_its_length_in_bytes() -> None:
    """And the workload's headers."""
    first, headers, body = _request_of(
        method="POST",
        body='{"name": "Lämpchen"}',
        headers=(("Content-Type", "application/json"), ("X-Token", "a:b")),
    )

    assert (first, body) == ("POST / HTTP/1.1", '{"name": "Lämpchen"}')
    assert dict(headers)["content-length"] == "21"
    assert dict(headers)["content-type"] == "application/json"
    assert dict(headers)["x-token"] == "a:b"


def test_a_host_header_replaces_the_address() -> None:
    """In any case: servers reject two of them."""
    for name in ("Host", "host", "HOST"):
        _, headers, _ = _request_of(headers=((name, "lots.example"),))

        assert [value for each, value in headers if each == "host"] == ["lots.example"]


def test_a_repeated_header_is_sent_twice() -> None:
    """The defaults are replaced."""
    _, headers, _ = _request_of(headers=(("X-Tag", "a"), ("X-Tag", "b"), ("accept", "text/html")))

    assert [value for name, value in headers if name == "x-tag"] == ["a", "b"]
    assert [value for name, value in headers if name == "accept"] == ["text/html"]


def test_a_full_backlog_times_out(monkeypatch) -> None:
    """The kernel alone would retry for two minutes."""
    monkeypatch.setattr(http_load, "RESPONSE_TIMEOUT_S", 0.2)
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        load = load_on(full.getsockname()[1], 0.1)
        uvloop.run(asyncio.wait_for(drive(load, 6), 30))

    assert load.why[TIMED_OUT] > 0
    assert load.why.total() == 6


def test_a_request_without_response_times_out(monkeypatch) -> None:
    """Once for each connection."""
    monkeypatch.setattr(http_load, "RESPONSE_TIMEOUT_S", 0.2)

    async def silent(client: Client) -> None:
        while await client.received():
            pass

    load, server = load_against(silent, connections=2, seconds=0.1)

    assert load.why == {TIMED_OUT: 2}
    assert (load.answered, len(server.requests)) == (0, 2)
    # A hanging server must not look fast in the percentiles.
    assert load.seconds == [0.2, 0.2]


def test_no_request_is_sent_after_the_round() -> None:
    """Pending responses count."""

    async def run() -> None:
        async def late(client: Client) -> None:
            while await client.received():
                while load.left_s:
                    await asyncio.sleep(0.01)
                client.writer.write(OK)

        async with serving_script(late) as server:
            load = load_on(server.port, 0.2)
            await drive(load, 3)
            assert (load.answered, len(server.requests)) == (3, 3)

    uvloop.run(run())


def test_a_round_of_zero_seconds_sends_nothing() -> None:
    """Not even a connection is opened."""
    load, server = load_against(responding(OK), seconds=0)

    assert (server.connections, load.answered, load.why.total()) == (0, 0, 0)
