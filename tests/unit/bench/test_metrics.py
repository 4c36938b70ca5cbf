"""A ratio is of rounds that were neighbours, and of no others."""

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

from django_tandem.bench.metrics import (
    METRICS,
    P99,
    REQUESTS,
    Ratio,
    median,
    peak_generator_share,
    ratio,
)

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

    assert peak_generator_share(report([*whole(), busy])) == 0.97
    assert peak_generator_share(report()) == 0
