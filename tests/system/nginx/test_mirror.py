"""The edge sends copies of a mirrored route's GETs, and its clients notice nothing."""

import contextlib
import http.client

import pytest
from nginx.edges import running_edge
from nginx.scripted import listening

from django_tandem.runtime import mirrored
from harness.client import TIMEOUT_S, wait_for

OF = {
    name: b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(name), name.encode())
    for name in ("wsgi", "asgi")
}
NO_CONTENT = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"
FAILED = b"HTTP/1.1 500 Oops\r\nContent-Length: 5\r\nX-Secret: 1\r\n\r\nbroke"


@pytest.fixture
def edge(project, nginx_program, sockets, behind):
    """The edge in front of two servers that answer with the names of their stacks."""
    behind("wsgi.sock", OF["wsgi"])
    behind("asgi.sock", OF["asgi"])
    with running_edge(project, nginx_program, sockets) as running:
        (running.directory / "mirror.sock").symlink_to(sockets / "mirror.sock")
        yield running


def test_a_get_is_copied_as_the_stack_gets_it(edge, behind) -> None:
    """With its target, its cookies and what the edge adds; the client gets the stack's answer."""
    copies = behind("mirror.sock", NO_CONTENT)
    mirrored.begin(edge.directory, "/sync/")
    found = edge.ask("/sync/?page=2&q=%20a", headers=[("Cookie", "sessionid=a")])

    assert (found.status, found.text) == (200, "wsgi")
    assert wait_for(lambda: copies)
    (copy,) = copies
    assert copy.startswith(b"GET /sync/?page=2&q=%20a HTTP/1.1\r\n")
    for header in (b"Cookie: sessionid=a", b"X-Forwarded-For: 127.0.0.1", b"X-Request-ID: "):
        assert b"\r\n" + header in copy


def test_a_route_on_asgi_is_copied_too(edge, behind) -> None:
    """From its own stack."""
    copies = behind("mirror.sock", NO_CONTENT)
    mirrored.begin(edge.directory, "/async/")

    assert edge.ask("/async/").text == "asgi"
    assert wait_for(lambda: len(copies) == 1)


def test_nothing_else_is_copied(edge, behind) -> None:
    """Other routes, other methods, bodies; and nothing after the end of the mirror."""
    copies = behind("mirror.sock", NO_CONTENT)
    mirrored.begin(edge.directory, "/sync/")
    edge.ask("/length/")
    edge.ask("/none/such/")
    edge.ask("/sync/", "POST", body=b"x")
    edge.ask("/sync/", "HEAD")
    edge.ask("/sync/", body=b"x")
    mirrored.begin(edge.directory, "/length/")
    edge.ask("/sync/")
    mirrored.end(edge.directory)
    edge.ask("/length/")
    # Its copy is the first.
    mirrored.begin(edge.directory, "/sync/")
    edge.ask("/sync/?last")

    assert wait_for(lambda: copies)
    assert [copy.split()[1] for copy in copies] == [b"/sync/?last"]


@pytest.mark.parametrize("answer", [FAILED, b"", None], ids=["500", "broken", "killed"])
def test_a_mirror_that_fails_is_not_noticed(edge, behind, answer) -> None:
    """Nor is one that was killed, whose socket is left."""
    if answer is not None:
        behind("mirror.sock", answer)
    mirrored.begin(edge.directory, "/sync/")
    found = edge.ask("/sync/")

    assert (found.status, found.text) == (200, "wsgi")
    assert "X-Secret" not in found.headers


def test_a_mirror_that_hangs_keeps_no_connection(edge, sockets) -> None:
    """As one that was stopped by Ctrl-Z: the next request of its client is served meanwhile."""
    mirrored.begin(edge.directory, "/sync/")
    with listening(sockets / "mirror.sock"):
        client = http.client.HTTPConnection("127.0.0.1", edge.port, timeout=TIMEOUT_S)
        with contextlib.closing(client):
            texts = []
            for _ in range(3):
                client.request("GET", "/sync/")
                texts.append(client.getresponse().read())

    assert texts == [b"wsgi"] * 3


def test_a_path_of_the_mirror_is_not_open_to_clients(edge, behind) -> None:
    """It is the project's, as any other path."""
    behind("mirror.sock", NO_CONTENT)
    mirrored.begin(edge.directory, "/sync/")

    assert edge.ask("/.tandem/mirror").status == 404
