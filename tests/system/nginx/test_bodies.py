"""A body is accepted up to the limit, and a response is passed on as it arrives."""

import http.client
import itertools
import time

import pytest

MB = 1024 * 1024
PATHS = pytest.mark.parametrize("path", ["/length/", "/async-length/"])


@pytest.fixture(scope="module")
def small(edge_with):
    """An edge that lets a megabyte in."""
    with edge_with(EDGE={"MAX_BODY": "1M"}) as edge:
        yield edge


@PATHS
def test_a_body_of_the_limit_is_let_in(small, path) -> None:
    """MAX_BODY is the largest there may be."""
    answer = small.ask(path, "POST", body=bytes(MB))

    assert (answer.status, answer.text) == (200, str(MB))


@PATHS
def test_a_larger_body_is_refused(small, path) -> None:
    """By its length, before it is sent."""
    assert small.ask(path, "POST", [("Content-Length", str(MB + 1))]).status == 413


@PATHS
def test_a_larger_body_of_unknown_length_is_rejected(small, path) -> None:
    """As soon as it has grown too large."""
    connection = http.client.HTTPConnection("127.0.0.1", small.port, timeout=20)
    pieces = iter([bytes(MB), b"x"])
    connection.request("POST", path, body=pieces, encode_chunked=True)

    assert connection.getresponse().status == 413
    connection.close()


def test_an_event_arrives_when_it_is_sent(edge) -> None:
    """Ten events 100 ms apart come one by one, not all at the end."""
    connection = http.client.HTTPConnection("127.0.0.1", edge.port, timeout=20)
    connection.request("GET", "/events/")
    response = connection.getresponse()
    came = []
    while line := response.readline():
        if b"data:" in line:
            came.append(time.monotonic())
    connection.close()

    gaps = [later - earlier for earlier, later in itertools.pairwise(came)]
    assert len(came) == 10
    # A busy machine may delay one; had they been held back, they would all come at once.
    assert sum(gap > 0.05 for gap in gaps) >= 7
    assert came[-1] - came[0] > 0.8


def test_a_thousand_small_events_all_arrive_in_order(edge) -> None:
    """None lost, none doubled."""
    answer = edge.ask("/thousand/")

    expected = "".join(f"id: {number}\ndata: {number}\n\n" for number in range(1000))
    assert answer.headers["Content-Type"] == "text/event-stream"
    assert answer.text == expected
