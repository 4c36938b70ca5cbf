"""Percentiles are times that were measured, by nearest rank."""

import math

from hypothesis import given
from hypothesis import strategies as st

from django_tandem.bench.results import Latency, latency

TIMES = st.lists(st.floats(min_value=0, max_value=100), min_size=1, max_size=300)


def test_of_no_times_there_are_no_percentiles() -> None:
    """None, and never a zero."""
    assert latency([]) is None


def test_of_one_time_all_are_that_one() -> None:
    """In milliseconds."""
    assert latency([0.25]) == Latency(count=1, p50_ms=250, p95_ms=250, p99_ms=250, worst_ms=250)


def test_the_nearest_rank_is_taken_and_nothing_between_two() -> None:
    """Of 100 times the 50th, 95th, 99th and 100th, in whatever order they came."""
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
