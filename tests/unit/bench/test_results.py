"""Percentiles by nearest rank, and ratios of rounds that were neighbours."""

import math

import pytest
from bench.reports import (
    ASGI,
    HYBRID,
    all_failed,
    failed,
    measured,
    report,
    row,
    sockets,
    whole,
)
from hypothesis import given
from hypothesis import strategies as st

from django_tandem.bench.results import (
    METRICS,
    P99,
    REQUESTS,
    Latency,
    Ratio,
    latency,
    median,
    ratio,
)

TIMES = st.lists(st.floats(min_value=0, max_value=100), min_size=1, max_size=300)


def test_of_no_times_there_are_no_percentiles() -> None:
    """None, and never a zero."""
    assert latency([]) is None


def test_of_one_time_all_are_that_one() -> None:
    """In milliseconds."""
    assert latency([0.25]) == Latency(count=1, p50_ms=250, p95_ms=250, p99_ms=250, worst_ms=250)


def test_the_nearest_rank_is_taken_and_nothing_between_two() -> None:
    """Of 100 times the 50th, 95th, 99th and 100th, in any order."""
    assert latency([n / 1000 for n in range(100, 0, -1)]) == Latency(
        count=100, p50_ms=50, p95_ms=95, p99_ms=99, worst_ms=100
    )
    assert latency([0.001, 0.002, 0.003]) == Latency(
        count=3, p50_ms=2, p95_ms=3, p99_ms=3, worst_ms=3
    )


@given(TIMES)
def test_each_percentile_has_its_share_at_or_below_it_and_no_smaller_time_has(times) -> None:
    """The definition of nearest rank, without a rank."""
    found = latency(times)
    shown = sorted(round(time * 1000, 3) for time in times)
    assert found is not None

    for percent, value in ((50, found.p50_ms), (95, found.p95_ms), (99, found.p99_ms)):
        needed = math.ceil(len(times) * percent / 100)
        assert value in shown
        assert sum(each <= value for each in shown) >= needed
        assert sum(each < value for each in shown) < needed


@given(TIMES)
def test_percentiles_rise_up_to_the_worst(times) -> None:
    """And all times are counted."""
    found = latency(times)
    assert found is not None

    assert found.p50_ms <= found.p95_ms <= found.p99_ms <= found.worst_ms
    assert found.worst_ms == round(max(times) * 1000, 3)
    assert found.count == len(times)


FAILED = next(figure for figure in METRICS if figure.name == "failed")


def test_a_ratio_is_the_median_of_the_ratios_of_each_round() -> None:
    """Not the ratio of the medians: a slow spell of the machine meets both."""
    ours = row(ASGI, measured(100, 10), measured(10, 10), measured(50, 10))
    theirs = row(HYBRID, measured(200, 10), measured(40, 10), measured(500, 10))

    assert ratio(ours, theirs, REQUESTS) == Ratio(median=0.25, low=0.1, high=0.5)


def test_only_rounds_that_both_have_are_compared() -> None:
    """By their number in the session, not by their place in the row."""
    ours = row(ASGI, measured(100, 10), measured(30, 10), numbers=(1, 3))
    theirs = row(HYBRID, measured(999, 10), measured(60, 10), numbers=(2, 3))

    assert ratio(ours, theirs, REQUESTS) == Ratio(median=0.5, low=0.5, high=0.5)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ((), ()),
        ((measured(100, 10),), ()),
        ((), (measured(100, 10),)),
        ((all_failed(),), (measured(100, 10),)),
        ((measured(100, 10),), (all_failed(),)),
    ],
)
def test_of_no_rounds_that_both_have_answered_there_is_no_ratio(ours, theirs) -> None:
    """None: neither a zero nor an error."""
    assert ratio(row(ASGI, *ours), row(HYBRID, *theirs), REQUESTS) is None
    assert ratio(row(ASGI, *ours), None, REQUESTS) is None


def test_a_baseline_of_zero_has_no_ratio() -> None:
    """Nothing failed there, and so many times nothing is no number."""
    assert ratio(row(ASGI, all_failed()), row(HYBRID, measured(100, 10)), FAILED) is None


def test_a_median_leaves_out_rounds_without_that_number() -> None:
    """What was not measured is no zero; of none there is none."""
    given = row(ASGI, measured(100, 40), all_failed(), measured(300, 20))

    assert median(given, REQUESTS) == 200
    assert median(given, P99) == 30
    assert median(row(ASGI, all_failed()), REQUESTS) is None
    assert median(failed(ASGI, "it did not start"), REQUESTS) is None


def test_a_socket_that_was_lost_is_a_failure() -> None:
    """Whether it never opened or was closed, beside each request that failed."""
    lost = sockets(opened=40, closed=5)

    assert FAILED.read(measured(100, 10, failed=3, sockets=lost)) == 3 + 10 + 5


def test_the_generator_share_is_that_of_its_busiest_round() -> None:
    """The busiest of all rows counts; without rows the share is 0."""
    busy = row(ASGI, measured(100, 10, generator_share=0.97), measured(100, 10))

    assert report([*whole(), busy]).peak_generator_share == 0.97
    assert report().peak_generator_share == 0
