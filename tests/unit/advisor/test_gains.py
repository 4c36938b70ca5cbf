"""The arithmetic of a gain, against figures that were computed by hand."""

from dataclasses import replace

import pytest
from advisor.evidences import CAPACITY, evidence, history

from django_tandem.advisor.gains import erlang_wait_s, gain_on_asgi, gain_on_wsgi
from django_tandem.model import Stack


@pytest.mark.parametrize(
    ("workers", "rate", "held", "expected"),
    [
        # M/M/1: load / (1 - load) times the service time.
        (1, 5.0, 0.5, 0.1),
        # Erlang C of 2 workers with a load of 1: a third wait, for a service time each.
        (2, 10.0, 1.0, 1 / 30),
        (7, 0.0, 0.0, 0.0),
    ],
)
def test_the_wait_is_erlangs(workers, rate, held, expected) -> None:
    """The service time is the load divided by the rate."""
    assert erlang_wait_s(workers, rate, held) == pytest.approx(expected)


def test_a_full_stack_has_a_long_wait_and_not_an_endless_one() -> None:
    """The formula has none beyond the capacity."""
    assert 0 < erlang_wait_s(4, 10.0, 9.0) < 100


def test_a_move_to_asgi_frees_the_workers_that_the_route_holds() -> None:
    """All of its time, also that in which it computes: no WSGI worker has it any more."""
    found = evidence(requests=14_400, each_ms=500, cpu_ms=4)

    wait_s = erlang_wait_s(7, 4.0, 2.0)
    gain = gain_on_asgi(found, history(found, queue_ms=10.0), CAPACITY)

    assert gain.workers_freed == (1.767, 2.233)
    assert gain.memory_mb == (40.0, 200.0)
    # Nothing else is on WSGI; so few requests wait for workers, by Erlang, that the rest of the
    # queue may have other causes.
    assert gain.queue_ms == (pytest.approx(0.3 * 1000 * wait_s, abs=0.001), 10.0)
    assert gain.arithmetic == (
        "4 requests/s * 500 ms = 2.00 of 7 workers, ± 12% from 14400 requests.",
        "A request is in the queue for 10.0 ms; with 2.00 workers held and then 0.00 of 7, about "
        "10.0 ms less.",
        "With 2 workers fewer, each of 40 to 100 MB.",
    )


def test_a_move_to_wsgi_costs_workers() -> None:
    """From the time of an undisturbed request to that of one that waits for a CPU, as on WSGI."""
    found = evidence(
        stack=Stack.ASGI, each_ms=200, cpu_ms=50, p10_s=0.1, p50_s=0.1, blocked_s=360.0
    )

    gain = gain_on_wsgi(found, replace(history(found), wsgi_delay=2.0), CAPACITY)

    assert gain.workers_freed == (-0.227, -0.087)
    assert gain.arithmetic == (
        "1 requests/s * 100 to 200 ms, ± 13%: it will hold 0.09 to 0.23 of 7 workers.",
        "1 requests/s * 100 ms blocked: the event loops are free for 5.0% more of their time.",
    )


@pytest.mark.parametrize("seconds", [0.01, 2.0])
def test_the_range_of_a_queue_that_is_full_is_in_order(seconds) -> None:
    """Beyond its workers the formula has no wait, and a longer mean time must not make one up."""
    others = evidence(requests=36_000, each_ms=800)
    moved = evidence(requests=3600, each_ms=seconds * 1000)
    loop = evidence(stack=Stack.ASGI, requests=3600, each_ms=seconds * 1000)
    full = history(others, moved, queue_ms=8000.0)

    to_asgi = gain_on_asgi(moved, full, CAPACITY).queue_ms
    to_wsgi = gain_on_wsgi(loop, full, CAPACITY).queue_ms

    assert 0.0 <= to_asgi[0] <= to_asgi[1]
    assert to_wsgi[0] <= to_wsgi[1] <= 0.0
