"""The lines of the edge for a shifted route, and the samples of a step."""

import pytest

from builders import sample
from django_tandem.model.shifts import MOST_COMPARED, SideFigures
from django_tandem.shift.samples import StepSamples, parse, quantile

SHAPE = "text/html||no-cache|Cookie|set_cookie|||"


def line(**changes) -> str:
    fields = {
        "at": "1000.5",
        "stack": "asgi",
        "route": "0123456789ab",
        "side": "trial",
        "method": "GET",
        "status": "200",
        "statuses": "200",
        "took": "0.020",
        "first_byte": "0.012",
        "sizes": "345",
        "client": "1234",
        "exception_on_trial": "",
        "exception": "",
        "shape": SHAPE,
        "request_id": "abc",
        "path": "/reports/",
        **changes,
    }
    return "\t".join(fields.values())


def test_a_line_is_a_sample() -> None:
    """With the side, and all that is compared."""
    assert parse(line()) == sample(
        at=1000.5,
        is_trial=True,
        took_s=0.02,
        first_byte_s=0.012,
        size=345,
        shape=f"200|{SHAPE}",
        request_id="abc",
    )


def test_a_request_that_failed_on_trial_is_that_of_the_trial() -> None:
    """Its home stack answered it, whose figures the edge writes behind the others."""
    found = parse(
        line(
            side="failed",
            statuses="500 : 200",
            first_byte="0.250 : 0.003",
            sizes="0 : 345",
            exception_on_trial="AttributeError",
        )
    )

    assert found is not None
    assert (found.is_trial, found.is_failed, found.status) == (True, True, 500)
    assert (found.first_byte_s, found.size, found.exception) == (0.25, 0, "AttributeError")


def test_a_request_that_the_second_peer_at_home_answered_has_the_figures_of_the_trial() -> None:
    """They stand before those of both."""
    found = parse(line(side="failed", statuses="500 : 502 : 200", first_byte="0.250 : - : 0.003"))

    assert found is not None
    assert (found.status, found.first_byte_s) == (500, 0.25)


def test_a_request_that_fails_at_home_too_is_known() -> None:
    """The last status is what its client got."""
    both = parse(line(side="failed", status="500", statuses="500 : 500"))
    alone = parse(line(side="failed", status="200", statuses="500 : 200"))
    unrepeated = parse(line(method="POST", status="500", statuses="500"))

    assert [each and each.fails_at_home for each in (both, alone, unrepeated)] == [
        True, False, False,
    ]  # fmt: skip


def test_a_request_that_reached_no_server_has_failed() -> None:
    """The client got the edge's 503."""
    found = parse(line(status="503", statuses="502", first_byte="-", sizes="0"))

    assert found is not None
    assert (found.is_failed, found.first_byte_s) == (True, None)


def test_the_last_of_several_servers_counts() -> None:
    """Peers take a request one after the other."""
    found = parse(line(statuses="502, 200", first_byte="-, 0.040", sizes="0, 20"))

    assert found is not None
    assert (found.status, found.first_byte_s, found.size) == (200, 0.04, 20)


def test_a_client_that_left_shows_how_long_it_waited() -> None:
    """It may have left for any reason, so that its request has not failed, and is not counted."""
    found = parse(line(status="499", statuses="-", took="5.000", first_byte="-", sizes="0"))
    assert found is not None
    samples = StepSamples()
    samples.add(found)

    assert (found.has_left, found.is_failed, found.took_s) == (True, False, 5.0)
    assert (samples.sides.trial, samples.sides.left_trial) == ((), (found,))
    assert samples.figures(of_trial=True) == SideFigures()


def test_a_client_that_left_after_the_failure_on_trial_leaves_a_failure() -> None:
    """It waited for the home stack by then."""
    found = parse(line(side="failed", status="499", statuses="504 : -", first_byte="- : -"))

    assert found is not None
    assert (found.has_left, found.is_failed, found.status) == (False, True, 504)


def test_a_response_without_a_body_of_its_own_has_no_size() -> None:
    """HEAD and 304."""
    head, cached = parse(line(method="HEAD")), parse(line(status="304", statuses="304"))

    assert head is not None
    assert cached is not None
    assert (head.size, cached.size) == (None, None)


def test_a_damaged_line_raises_value_error() -> None:
    """As one that a full disk has cut."""
    with pytest.raises(ValueError, match="unpack"):
        parse("1000.5\tasgi")


def test_the_figures_are_of_requests_that_did_not_fail() -> None:
    """All of them are counted."""
    samples = StepSamples()
    for number in range(100):
        samples.add(sample(first_byte_s=number / 1000, size=100 + number))
    samples.add(sample(is_failed=True, first_byte_s=9.0, size=1))

    assert samples.figures(of_trial=False) == SideFigures(
        requests=101, failed=1, p50_s=0.049, p95_s=0.094, p50_bytes=150
    )
    assert samples.figures(of_trial=True) == SideFigures()


def test_another_step_begins_without_samples() -> None:
    """But the last one has nobody at home, and keeps those of the step before."""
    samples = StepSamples()
    samples.add(sample())
    samples.add(sample(is_trial=True))
    samples.restart(keeps_home=True)
    kept = samples.sides
    samples.restart(keeps_home=False)

    assert (len(kept.home), len(kept.trial)) == (1, 0)
    assert samples.sides.home == ()


def test_the_samples_are_bounded() -> None:
    """The newest are compared, and all are counted."""
    samples = StepSamples()
    for number in range(MOST_COMPARED + 10):
        samples.add(sample(at=float(number)))

    assert samples.sides.home[0].at == 10
    assert samples.figures(of_trial=False).requests == MOST_COMPARED + 10


def test_a_quantile_of_few_is_one_of_them() -> None:
    """The p95 of twenty is the second largest."""
    assert quantile([], 0.5) is None
    assert quantile([1.0], 0.95) == 1.0
    assert quantile([float(each) for each in range(1, 21)], 0.95) == 19.0
