"""What the monitor collects of the stacks' sockets."""

from pathlib import Path

import pytest

from builders import plan
from django_tandem.model import Bind
from django_tandem.monitor.collected import SeriesSelection, queues_of
from django_tandem.monitor.minutes import OTHER_ROUTES
from django_tandem.monitor.request_lines import RequestLine, parse
from django_tandem.runtime.listen_queues import ListenQueue
from unit.monitor.lines import line

PEERS = {"PEERS": {"SECRET": "0123456789abcdef0123456789abcdef"}}


def test_a_stack_has_the_fuller_of_its_queues() -> None:
    """An edge on another host fills that of its address, and one on the same host the other."""
    (process,) = plan(tandem=PEERS, roles="wsgi").processes
    (kind,) = process.kinds
    socket, address = kind.socket, Bind(host="0.0.0.0", port=9000)
    empty, filled = (ListenQueue(length=length, limit=65) for length in (0, 3))

    assert queues_of([kind], {address: filled, Path(socket): empty}) == {"wsgi": filled}
    assert queues_of([kind], {address: empty, Path(socket): filled}) == {"wsgi": filled}
    assert queues_of([kind], {Path(socket): empty}) == {"wsgi": empty}
    assert queues_of([kind], {}) == {}


@pytest.fixture
def routes() -> SeriesSelection:
    return SeriesSelection(most=2)


def request(route: str, worker_s: float = 0.1, **changes: str) -> RequestLine:
    return parse(line(route=route, upstream=f"{worker_s:.3f}", queue="0.000", **changes))


def named(routes: SeriesSelection, *requests: RequestLine) -> list[str]:
    return [routes.add(each).route for each in requests]


def test_the_first_routes_have_their_names_and_further_ones_share_one(routes) -> None:
    """A route keeps its name: a series does not end for a single request of another."""
    given = [request(route) for route in ("/a/", "/b/", "/c/", "/a/", "/d/", OTHER_ROUTES)]

    found = named(routes, *given)

    assert found == ["/a/", "/b/", OTHER_ROUTES, "/a/", OTHER_ROUTES, OTHER_ROUTES]
    assert routes.shared == 2


def test_a_busier_route_replaces_the_one_that_is_least_busy(routes) -> None:
    """By the time in a worker, not by the number of requests."""
    named(routes, request("/a/", 1.0), *[request("/b/", 0.001)] * 9, request("/c/", 2.0))

    assert routes.choose() == {"/b/"}
    assert named(routes, request("/c/"), request("/b/")) == ["/c/", OTHER_ROUTES]
    assert routes.shared == 1


def test_routes_that_are_about_equally_busy_do_not_alternate(routes) -> None:
    """Each change ends one series and begins another."""
    named(routes, request("/a/", 1.0), request("/b/", 1.0), request("/c/", 1.9))

    assert routes.choose() == set()


def test_what_a_route_did_long_ago_counts_less(routes) -> None:
    """Each choice halves it."""
    named(routes, request("/a/", 1.0), request("/b/", 8.0))
    for _ in range(4):
        routes.choose()
    named(routes, request("/a/", 1.0), request("/c/", 2.0))

    assert routes.choose() == {"/b/"}


def test_a_stream_occupies_no_worker(routes) -> None:
    """It lasts for as long as its client listens."""
    stream = request("/events/", 3600.0, content_type="text/event-stream")
    named(routes, request("/a/"), request("/b/"), stream)

    assert routes.choose() == set()


def test_routes_that_are_removed_make_room(routes) -> None:
    """A deploy has renamed them."""
    named(routes, request("/a/"), request("/b/"), request("/c/"))
    routes.remove({"/a/", "/c/"})

    assert routes.shared == 0
    assert named(routes, request("/d/")) == ["/d/"]
