"""A request is what the workload says, and nothing twice."""

from typing import Any

from bench.answering import OK, asked_of, saying


def _asked(**workload: Any) -> tuple[str, list[tuple[str, str]], str]:
    """Return the first line, the headers and the body of what a server was asked."""
    _, server = asked_of(saying(OK), seconds=0.1, **workload)
    assert len(set(server.requests)) == 1
    head, _, body = server.requests[0].decode().partition("\r\n\r\n")
    first, *lines = head.split("\r\n")
    headers = [line.partition(": ") for line in lines]
    return first, [(name.lower(), value) for name, _, value in headers], body


def test_a_get_names_the_address_as_its_host() -> None:
    """With the path and the query as they were given."""
    first, headers, body = _asked(path="/api/lots/?page=2")

    assert (first, body) == ("GET /api/lots/?page=2 HTTP/1.1", "")
    assert dict(headers)["host"].startswith("127.0.0.1:")
    assert "content-length" not in dict(headers)


def test_a_body_is_sent_with_its_length_in_bytes() -> None:
    """And each header that was given."""
    first, headers, body = _asked(
        method="POST",
        body='{"name": "Lämpchen"}',
        headers=(("Content-Type", "application/json"), ("X-Token", "a:b")),
    )

    assert (first, body) == ("POST / HTTP/1.1", '{"name": "Lämpchen"}')
    assert dict(headers)["content-length"] == "21"
    assert dict(headers)["content-type"] == "application/json"
    assert dict(headers)["x-token"] == "a:b"


def test_a_host_of_its_own_goes_in_the_place_of_the_address() -> None:
    """However its name is written: two of them are refused by every server."""
    for name in ("Host", "host", "HOST"):
        _, headers, _ = _asked(headers=((name, "lots.example"),))

        assert [value for each, value in headers if each == "host"] == ["lots.example"]


def test_a_header_that_is_given_twice_is_sent_twice() -> None:
    """As the command line says that it may."""
    _, headers, _ = _asked(headers=(("X-Tag", "a"), ("X-Tag", "b"), ("accept", "text/html")))

    assert [value for name, value in headers if name == "x-tag"] == ["a", "b"]
    assert [value for name, value in headers if name == "accept"] == ["text/html"]
