"""The edge splits the requests of a route that is shifted, and no others."""

import socket

import pytest
from nginx.edges import request, running_edge
from nginx.scripted import listening

from builders import shift
from django_tandem.model import Stack
from django_tandem.runtime import shifts
from django_tandem.shift.samples import parse
from harness.client import TIMEOUT_S, wait_for

FAILED = b"HTTP/1.1 500 Oops\r\nContent-Length: 5\r\nX-Secret: 1\r\n\r\nbroke"
OF = {
    name: b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(name), name.encode())
    for name in ("wsgi", "asgi")
}
HALF = 50
# That file is written for a stack with a monitor.
LOG = ("include monitor[.]conf;", "access_log shift.tsv tandem_shift if=$tandem_side;")


@pytest.fixture
def edge(project, nginx_program, sockets, behind):
    """The edge in front of two servers that answer with the names of their stacks."""
    behind("wsgi.sock", OF["wsgi"])
    sessions = {"EDGESITE_SESSIONS": "1"}
    with running_edge(
        project, nginx_program, sockets, environment=sessions, naive=[LOG]
    ) as running:
        yield running


def lines(edge) -> list[str]:
    """Return the lines of the requests that are compared, which NGINX writes after a response."""
    return (edge.directory / "shift.tsv").read_text().splitlines()


def logged(edge) -> list[tuple[str, ...]]:
    """Return the side, the method and the status of each request that is compared."""
    return [tuple(each.split("\t")[3:6]) for each in lines(edge)]


def split(edge, *given) -> None:
    with shifts.changing(edge.directory) as kept:
        kept[:] = given


def to_asgi(percent: int, **changes):
    return shift(route="/sync/", steps=(percent,), **changes)


def sides(edge, target: str, method: str = "GET", clients: int = 100) -> list[str]:
    """Return which stack answers each of so many clients."""
    cookies = [("Cookie", f"a=b; sessionid={number}x") for number in range(clients)]
    return [edge.ask(target, method, [cookie]).text for cookie in cookies]


def test_the_share_of_a_route_is_that_of_its_clients(edge, behind) -> None:
    """A client keeps its side, and a larger share adds clients to it."""
    behind("asgi.sock", OF["asgi"])
    split(edge, to_asgi(20))
    some, again = sides(edge, "/sync/"), sides(edge, "/sync/?page=2")
    split(edge, to_asgi(HALF))
    half = sides(edge, "/sync/")
    split(edge, to_asgi(100))
    whole = sides(edge, "/sync/")
    split(edge)

    assert some == again
    assert 8 <= some.count("asgi") <= 34
    assert 35 <= half.count("asgi") <= 65
    assert all(later == "asgi" for now, later in zip(some, half, strict=True) if now == "asgi")
    assert whole == ["asgi"] * 100
    assert sides(edge, "/sync/") == ["wsgi"] * 100


def test_other_routes_methods_and_paths_are_not_split(edge, behind) -> None:
    """Nor a WebSocket at the same path, nor a path with dots, which no rule applies to."""
    seen = behind("asgi.sock", OF["asgi"])
    split(edge, to_asgi(100))

    assert edge.ask("/years/1999/").text == "asgi"
    assert edge.ask("/years/199/").text == "wsgi"
    assert edge.ask("/length/").text == "wsgi"
    assert edge.ask("/sync/", "POST").text == "wsgi"
    assert edge.ask("/sync/", "PURGE").text == "wsgi"
    assert edge.ask("/async/../sync/").text == "wsgi"
    assert len(seen) == 1
    assert edge.ask("/sync/", "HEAD").status == 200
    assert len(seen) == 2
    wait_for(lambda: ("trial", "HEAD", "200") in logged(edge))
    assert logged(edge) == [("trial", "HEAD", "200")]


def test_a_request_on_trial_is_handed(edge, behind) -> None:
    """Or the stack would hand it back to the one that it belongs to."""
    seen = behind("asgi.sock", OF["asgi"])
    split(edge, to_asgi(100))
    edge.ask("/sync/", headers=[("X-Tandem-Handed", "0")])
    edge.ask("/async/")

    assert b"X-Tandem-Handed: 1\r\n" in seen[0]
    assert b"X-Tandem-Handed" not in seen[1]


@pytest.mark.parametrize("answer", [FAILED, b"", None], ids=["500", "502", "503"])
def test_a_get_that_fails_on_trial_is_answered_at_home(edge, behind, answer) -> None:
    """Its client sees nothing of the trial, also where no server listens."""
    if answer is not None:
        behind("asgi.sock", answer)
    split(edge, to_asgi(100))
    found = edge.ask("/sync/")

    assert (found.status, found.text) == (200, "wsgi")
    assert "X-Secret" not in found.headers
    assert "Retry-After" not in found.headers


def test_a_view_that_hangs_on_trial_is_seen(project, nginx_program, sockets, behind) -> None:
    """Its client gets the response of the home stack, or has left before, and waited."""
    behind("wsgi.sock", OF["wsgi"])
    limit = {"TIMEOUT_S": 2}
    with (
        listening(sockets / "asgi.sock") as server,
        running_edge(project, nginx_program, sockets, naive=[LOG], WSGI=limit) as edge,
    ):
        server.settimeout(TIMEOUT_S)
        split(edge, to_asgi(100))
        found = edge.ask("/sync/")
        server.accept()[0].close()
        # Another of NGINX's workers might write the next line before it.
        wait_for(lambda: len(lines(edge)) == 1)
        with socket.create_connection(("127.0.0.1", edge.port)) as client:
            client.sendall(request("GET /sync/ HTTP/1.1", "Host: localhost"))
            kept, _ = server.accept()
        with kept:
            wait_for(lambda: len(lines(edge)) == 2)
        failed, left = map(parse, lines(edge))

    assert (found.status, found.text) == (200, "wsgi")
    assert failed is not None
    assert (failed.is_trial, failed.is_failed, failed.status) == (True, True, 504)
    assert left is not None
    assert (left.is_trial, left.is_failed, left.has_left) == (True, False, True)


def test_any_other_method_is_never_sent_twice(edge, behind) -> None:
    """The server may have executed it."""
    behind("asgi.sock", FAILED)
    split(edge, to_asgi(100, methods=("GET", "POST")))
    found = edge.ask("/sync/", "POST", body=b"x")

    assert (found.status, found.text) == (500, "broke")


def test_a_route_is_shifted_to_wsgi_as_well(edge, behind) -> None:
    """From ASGI, whose other routes stay there."""
    behind("asgi.sock", OF["asgi"])
    split(edge, shift(route="/async/", steps=(100,), to=Stack.WSGI, home=Stack.ASGI))

    assert edge.ask("/async/").text == "wsgi"
    assert edge.ask("/async-length/").text == "asgi"
    # Once the project has it on WSGI, the split is of another direction, and has no effect.
    split(edge, shift(route="/async/", steps=(100,), to=Stack.ASGI))
    assert edge.ask("/async/").text == "asgi"


def test_a_client_without_a_session_is_known_by_its_address(edge, behind) -> None:
    """So all requests of one address have the same side."""
    behind("asgi.sock", OF["asgi"])
    split(edge, to_asgi(HALF))

    assert len({edge.ask("/sync/").text for _ in range(10)}) == 1
