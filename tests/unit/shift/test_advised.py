"""The shifts that begin without a command: what the advice must say, and the bounds."""

from dataclasses import replace

import pytest

from builders import shift
from django_tandem.advisor.code import Change, RouteCode
from django_tandem.advisor.evidence import RouteEvidence
from django_tandem.advisor.rules import Recommendation
from django_tandem.advisor.verdicts import Advice, Confidence
from django_tandem.model import Stack
from django_tandem.model.shifts import ShiftState
from django_tandem.shift.advised import RETRY_S, choose

NOW = 1e6


def advice(route: str = "/reports/", **changes) -> Advice:
    return Advice(
        **{
            "evidence": RouteEvidence(route=route, stack=Stack.WSGI),
            "code": RouteCode(view="shop.views.reports"),
            "verdict": Recommendation.TO_ASGI,
            "reasons": (),
            "confidence": Confidence.HIGH,
            **changes,
        }
    )


def chosen(*advised: Advice, routes=("/reports/",), shifts=(), generation=2):
    return choose(advised, routes, shifts, generation=generation, now=NOW)


def test_a_route_is_shifted_where_the_advice_says() -> None:
    """In both directions."""
    # What blocks its loop may stay as it is on WSGI.
    blocking = (Change(text="time.sleep() blocks.", blocks=True),)
    to_wsgi = advice("/a/", verdict=Recommendation.TO_WSGI, changes=blocking)

    assert chosen(advice()) == ("/reports/", Stack.ASGI)
    assert chosen(to_wsgi, advice(), routes=("/a/",)) == ("/a/", Stack.WSGI)


@pytest.mark.parametrize(
    "changes",
    [
        {"confidence": Confidence.MEDIUM},
        {"verdict": Recommendation.STAY},
        {"verdict": Recommendation.UNKNOWN},
        {"changes": (Change(text="Await the request."),)},
    ],
)
def test_advice_that_is_not_sure_or_needs_other_code_begins_nothing(changes) -> None:
    """A person decides these."""
    assert chosen(advice(**changes)) is None


def test_a_route_that_the_settings_do_not_name_stays() -> None:
    """None of them by default."""
    assert chosen(advice(), routes=()) is None


def test_one_route_at_a_time_is_shifted() -> None:
    """Two could hide each other's effects; one that has ended is no reason to wait."""
    other = shift(route="/other/")

    assert chosen(advice(), shifts=[other]) is None
    assert chosen(advice(), shifts=[replace(other, state=ShiftState.DONE)]) is not None


def test_a_route_that_was_taken_back_waits_for_a_day_and_a_reload() -> None:
    """The same code would differ again, and another generation may have other code."""
    back = shift(state=ShiftState.ROLLED_BACK, generation=1, ended_s=NOW - RETRY_S)

    assert chosen(advice(), shifts=[back]) is not None
    assert chosen(advice(), shifts=[back], generation=1) is None
    assert chosen(advice(), shifts=[replace(back, ended_s=NOW - RETRY_S + 1)]) is None


def test_a_shift_that_is_done_waits_for_its_pin() -> None:
    """The project has to say it."""
    done = shift(state=ShiftState.DONE, generation=1, step_began_s=0.0)

    assert chosen(advice(), shifts=[done]) is None
