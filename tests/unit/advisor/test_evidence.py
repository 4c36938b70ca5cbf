"""Records of minutes become the evidence of each route."""

import pytest

from django_tandem.advisor.evidence import RouteEvidence, gather
from django_tandem.model import Stack
from django_tandem.monitor.minutes import RouteMinute, bucket_of


def minute(number: int, route: str, count: int, **changes) -> RouteMinute:
    return RouteMinute(
        **{
            "minute": number,
            "route": route,
            "stack": "wsgi",
            "statuses": {200: count},
            "durations": {bucket_of(0.1): count},
            "worker_s": 0.1 * count,
            "cpu_s": 0.02 * count,
            "cpu_known": count,
            **changes,
        }
    )


def test_sums_are_over_all_minutes_and_rates_over_their_span() -> None:
    """Also over the minutes without a request."""
    found = gather([minute(0, "/a/", 60), minute(99, "/a/", 540)], cpus=2).of("/a/", Stack.WSGI)

    assert (found.requests, found.span_s, found.rate) == (600, 6000.0, 0.1)
    assert found.workers == pytest.approx(0.01)
    assert found.peak_workers == pytest.approx(0.9)
    assert found.burstiness == pytest.approx(90.0)
    assert found.cpu_each_s == pytest.approx(0.02)


def test_a_short_history_may_begin_and_end_within_a_minute() -> None:
    """Three minutes of even load are in four of the clock."""
    counts = (15, 60, 60, 45)

    found = gather([minute(n, "/a/", count) for n, count in enumerate(counts)], cpus=2)

    assert found.span_s == pytest.approx(180.0)
    assert found.of("/a/", Stack.WSGI).rate == pytest.approx(1.0)


def test_a_queue_is_caused_by_what_holds_the_workers_in_that_minute() -> None:
    """And not by what stands in it."""
    found = gather(
        [
            minute(0, "/slow/", 10, worker_s=90.0),
            minute(0, "/fast/", 90, worker_s=10.0, queue_s=20.0),
            minute(1, "/fast/", 90, worker_s=10.0, queue_s=1.0),
        ],
        cpus=2,
    )

    caused = {route: found.of(route, Stack.WSGI).queue_caused_s for route in ("/slow/", "/fast/")}
    assert caused == {"/slow/": pytest.approx(18.0), "/fast/": pytest.approx(3.0)}
    assert found.queue_each_s == pytest.approx(21.0 / 190)


def test_the_load_of_the_cpus_is_that_of_the_minutes_of_a_route() -> None:
    """Weighted by the time in which its requests held workers."""
    found = gather(
        [minute(0, "/busy/", 1000, cpu_s=120.0), minute(0, "/a/", 1), minute(1, "/a/", 3)], cpus=2
    )

    assert found.of("/a/", Stack.WSGI).cpu_load == pytest.approx(0.25, abs=0.01)


def test_requests_that_no_worker_answered_held_none() -> None:
    """Those that timed out in a full queue would make a short view look as if it waited."""
    answered = {bucket_of(0.001): 50}
    record = minute(0, "/a/", 60, worker_s=5.0, unanswered_s=300.0, queues=answered, cpu_known=50)

    found = gather([record], cpus=2).of("/a/", Stack.WSGI)

    assert (found.requests, found.answered) == (60, 50)
    assert (found.worker_s, found.each_s) == (pytest.approx(5.0), pytest.approx(0.1))
    assert found.peak_workers == pytest.approx(5 / 60)


def test_long_connections_are_counted_and_have_no_time() -> None:
    """An event stream holds nothing that a request waits for."""
    record = minute(0, "/events/", 4, stack="asgi", is_long=True, worker_s=400.0)

    found = gather([record], cpus=2).of("/events/", Stack.ASGI)

    assert (found.longs, found.requests, found.worker_s) == (4, 0, 0.0)


def test_a_route_that_has_moved_is_judged_by_the_other_stack_until_it_has_requests() -> None:
    """Then by its own, and the others are counted."""
    before = gather([minute(0, "/a/", 40)], cpus=2)
    after = gather([minute(0, "/a/", 40), minute(1, "/a/", 2, stack="asgi")], cpus=2)

    assert before.of("/a/", Stack.ASGI).stack is Stack.WSGI
    assert after.of("/a/", Stack.ASGI).requests == 2
    assert after.of("/a/", Stack.ASGI).requests_elsewhere == 40


def test_nothing_recorded_is_evidence_of_nothing() -> None:
    """The edge's own files are no route of a stack."""
    empty = gather([], cpus=2)
    of_edge = gather([minute(0, "(edge)", 9, stack="edge")], cpus=2)

    assert empty.of("/a/", Stack.WSGI) == RouteEvidence(route="/a/", stack=Stack.WSGI)
    assert (empty.requests, of_edge.requests, of_edge.by_route) == (0, 0, {})
