"""Totals grow from the monitor's start on, whichever workers have counted."""

from copy import deepcopy
from dataclasses import replace

import pytest

from django_tandem.model.scoreboard import Messages, WorkerSlot
from django_tandem.monitor.counters import Histogram, RequestCounters, WorkerCounters
from django_tandem.monitor.minutes import OTHER_ROUTES
from django_tandem.monitor.request_lines import parse
from unit.monitor.lines import line


def slot(pid: int, *, sent: int = 0, closes: int = 0, started_at: float = 1.0) -> WorkerSlot:
    return WorkerSlot(
        pid=pid,
        stack="asgi",
        generation=1,
        started_at=started_at,
        messages=Messages(received=1, sent=sent),
        closes={"1000": closes},
        stream_ends={"left": closes},
    )


@pytest.fixture
def counters() -> RequestCounters:
    return RequestCounters()


def test_a_duration_is_in_the_first_bucket_that_holds_it() -> None:
    """A bound belongs to its bucket; what is above all of them has the last one."""
    histogram = Histogram()
    for seconds in (0.005, 0.0051, 99.0):
        histogram.observe(seconds)

    assert (histogram.counts[0], histogram.counts[1], histogram.counts[-1]) == (1, 1, 1)
    assert histogram.sum_s == pytest.approx(99.0101)


def test_requests_are_counted_by_route_method_status_and_stack(counters) -> None:
    """A method that the convention does not have is one of the others."""
    counters.add(parse(line()))
    counters.add(parse(line(method="BREW")))
    counters.add(parse(line(by="edge", queue="", cpu="", status="503")))

    assert {key: sum(each.counts) for key, each in counters.durations.items()} == {
        ("/shop/", "GET", 200, "wsgi"): 1,
        ("/shop/", "_OTHER", 200, "wsgi"): 1,
        ("/shop/", "GET", 503, "edge"): 1,
    }
    assert counters.cpu_s == {("/shop/", "wsgi"): 0.008}
    assert counters.queues["wsgi"].sum_s == 0.004


def test_the_cpu_time_of_bodies_is_that_of_their_route(counters) -> None:
    """Or of the others, where the route has no series; without any it has nowhere to be."""
    counters.add(parse(line()))
    counters.add(parse(line(route=OTHER_ROUTES)))
    for route, stack in (("/shop/", "wsgi"), ("/rare/", "wsgi"), ("/rare/", "asgi")):
        counters.add_body_cpu(route, stack, 1.0)

    assert counters.cpu_s == {("/shop/", "wsgi"): 1.004, (OTHER_ROUTES, "wsgi"): 1.004}


def test_a_long_connection_has_no_duration(counters) -> None:
    """Its handover is one all the same."""
    counters.add(parse(line(by="wsgi>asgi", content_type="text/event-stream")))

    assert (counters.durations, counters.handovers) == ({}, {("/shop/", "asgi"): 1})


def test_routes_that_are_removed_have_no_series(counters) -> None:
    """Prometheus keeps what they had."""
    for route in ("/old/", "/shop/"):
        counters.add(parse(line(by="wsgi>asgi", route=route)))
    counters.remove({"/old/"})

    assert [key[0] for key in counters.durations] == ["/shop/"]
    assert (list(counters.cpu_s), list(counters.handovers)) == (
        [("/shop/", "asgi")],
        [("/shop/", "asgi")],
    )


def test_a_copy_does_not_change(counters) -> None:
    """Another thread reads it."""
    counters.add(parse(line(by="wsgi>asgi")))
    copied = counters.copy()
    expected = deepcopy(vars(copied))
    counters.add(parse(line(by="wsgi>asgi")))
    counters.add(parse(line(route="/other/")))

    assert vars(copied) == expected
    assert expected["handovers"] == {("/shop/", "asgi"): 1}


def test_the_counts_of_workers_that_end_are_kept() -> None:
    """A counter never falls."""
    counters = WorkerCounters()
    counters.update([])
    counters.update([slot(7, sent=5, closes=1)])
    counters.update([slot(7, sent=8, closes=1), slot(8, sent=1)])
    counters.update([])

    assert counters.messages == {"received": 2, "sent": 9}
    assert (counters.closes["1000"], counters.stream_ends["left"]) == (1, 1)


def test_a_worker_with_the_pid_of_another_begins_at_zero() -> None:
    """It was started at another time."""
    counters = WorkerCounters()
    counters.update([])
    counters.update([slot(7, sent=5)])
    counters.update([replace(slot(7, sent=3), started_at=2.0)])

    assert counters.messages["sent"] == 8


def test_the_cpu_time_of_bodies_is_taken_once() -> None:
    """By route and stack, of all workers."""
    counters = WorkerCounters()
    counters.update([])
    counters.update(
        [
            replace(slot(pid), body_cpu_us={"/rows/": 2000}, body_delay_us={"/rows/": 50})
            for pid in (7, 8)
        ]
    )
    first = counters.take_body_cpu()
    counters.update([replace(slot(pid), body_cpu_us={"/rows/": 2500}) for pid in (7, 8)])

    assert first == {("/rows/", "asgi"): (0.004, 0.0001)}
    assert counters.take_body_cpu() == {("/rows/", "asgi"): (0.001, 0.0)}
    assert counters.take_body_cpu() == {}


def test_what_an_earlier_monitor_has_counted_is_not_counted_again() -> None:
    """Prometheus takes a lower value for a restart, and adds the whole of it."""
    counters = WorkerCounters()
    counters.update([slot(7, sent=100)])
    counters.update([slot(7, sent=101)])

    assert counters.messages["sent"] == 1
