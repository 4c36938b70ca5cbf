"""A line of the edge is read, or refused whole."""

import pytest

from django_tandem.monitor.request_lines import parse
from unit.monitor.lines import line


def test_a_line_has_the_facts_of_one_request() -> None:
    """Times are in seconds, as NGINX writes them."""
    found = parse(line())

    assert (found.at, found.status, found.method) == (1_800_000_000.25, 200, "GET")
    assert (found.route, found.stack, found.handed_over) == ("/shop/", "wsgi", False)
    assert (found.duration_s, found.worker_s) == (0.012, 0.01)
    assert (found.queue_s, found.cpu_s, found.bytes_sent) == (0.002, 0.004, 512)
    assert (found.is_long, found.request_id, found.path) == (False, "f00d", "/shop/")


def test_a_request_may_have_waited_for_a_cpu() -> None:
    """Or may have blocked an event loop: its worker sends both behind the CPU time, if any."""
    found = parse(line(cpu="0.004000 0.250000 0.125000"))

    assert (found.cpu_s, found.delay_s, found.blocked_s) == (0.004, 0.25, 0.125)
    assert (parse(line()).delay_s, parse(line()).blocked_s) == (0.0, 0.0)


def test_after_a_handover_the_second_stack_has_answered() -> None:
    """The time is that of its worker."""
    found = parse(line(by="wsgi>asgi", upstream="0.003 : 0.040"))

    assert (found.stack, found.handed_over, found.worker_s) == ("asgi", True, 0.04)


@pytest.mark.parametrize(
    ("changes", "route"),
    [
        ({"by": "edge", "route": ""}, "(edge)"),
        ({"by": "wsgi", "route": ""}, "(unmatched)"),
        ({"by": "edge", "route": "/shop/", "status": "503"}, "/shop/"),
    ],
    ids=["a file", "no route", "a full queue"],
)
def test_a_request_of_no_route_has_a_name_for_its_kind(changes, route) -> None:
    """Paths are no labels: a client can send any number of them."""
    assert parse(line(**changes)).route == route


def test_what_no_worker_answered_has_no_times_of_one() -> None:
    """NGINX writes a dash, or nothing."""
    found = parse(line(by="edge", upstream="-", queue="", cpu=""))

    assert (found.worker_s, found.queue_s, found.cpu_s) == (None, None, None)


@pytest.mark.parametrize("value", ["0.001, soon", "x", "nan", "inf", "-0.5"])
def test_a_header_that_is_no_duration_is_not_known(value) -> None:
    """The project may send one of the same name; its request is counted."""
    found = parse(line(queue=value, cpu=value))

    assert (found.queue_s, found.cpu_s, found.status) == (None, None, 200)


@pytest.mark.parametrize(
    "changes",
    [{"status": "101"}, {"content_type": "text/event-stream; charset=utf-8"}],
    ids=["a WebSocket", "an event stream"],
)
def test_websockets_and_streams_are_long(changes) -> None:
    """Their duration is that of a connection."""
    assert parse(line(**changes)).is_long


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "503"},
        {"status": "403"},
        {"content_type": "text/event-stream", "status": "503"},
    ],
    ids=["no worker", "rejected", "a failed event stream"],
)
def test_a_connection_that_was_not_accepted_is_a_request(changes) -> None:
    """An alert on errors must see a handshake that fails."""
    assert not parse(line(**changes)).is_long


def test_escapes_of_nginx_are_undone() -> None:
    """A regex in the URLconf has backslashes, and a path may have anything."""
    found = parse(line(route=r"/^(?P<slug>[\\w-]+)", path=r"/a\tb\u0007\"é"))

    assert (found.route, found.path) == (r"/^(?P<slug>[\w-]+)", '/a\tb\x07"é')


@pytest.mark.parametrize(
    "text",
    ["", "\0\0", "1800000000.250\t200", line(status="2x0"), line(duration=""), line() + "\tmore"],
    ids=["empty", "zeros", "cut", "no number", "no time", "two in one"],
)
def test_a_damaged_line_is_refused(text) -> None:
    """A full disk cuts one, and the next write continues in it."""
    with pytest.raises(ValueError, match=r"to unpack|to float|invalid literal"):
        parse(text)
