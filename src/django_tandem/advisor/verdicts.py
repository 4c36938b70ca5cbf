"""The advice on one route: its verdict with the reasons, the gain, and what to do."""

import shlex
from dataclasses import dataclass, replace
from enum import StrEnum

from django_tandem.advisor.code import Change, RouteCode
from django_tandem.advisor.evidence import History, RouteEvidence
from django_tandem.advisor.gains import Capacity, Gain, gain_on_asgi, gain_on_wsgi
from django_tandem.advisor.rules import (
    LEAST_WAITING,
    RULES,
    Case,
    Judgement,
    Recommendation,
    judge,
)
from django_tandem.model import Stack

MOVES = {Recommendation.TO_ASGI: Stack.ASGI, Recommendation.TO_WSGI: Stack.WSGI}
# What makes a verdict sure: so many requests, in so long a time, so far from the other verdict.
MANY_REQUESTS, SOME_REQUESTS = 300, 100
LONG_S = 3600.0
CLEAR = 0.2


class Confidence(StrEnum):
    """How sure a verdict is."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """
    The verdict on a route, and what it is based on.

    ``reasons`` and ``commands`` are sentences and command lines. ``gain`` is None where no move is
    advised. ``waiting`` is the share of its time in which it waits, None where that is not known.
    """

    evidence: RouteEvidence
    code: RouteCode
    verdict: Recommendation
    reasons: tuple[str, ...]
    confidence: Confidence = Confidence.LOW
    waiting: float | None = None
    gain: Gain | None = None
    changes: tuple[Change, ...] = ()
    commands: tuple[str, ...] = ()


def advise(
    evidence: RouteEvidence,
    code: RouteCode,
    capacity: Capacity,
    history: History,
    *,
    home: Stack | None = None,
) -> Advice:
    """
    Return the advice on one route; without any history, by its code alone.

    ``home`` is its stack, where its evidence may be of the other.
    """
    if home and home is not evidence.stack:
        reason = f"in the history; now on {home.upper()}, {code.reason}"
        code = replace(code, reason=reason)
    case = Case(evidence=evidence, code=code, capacity=capacity, history=history)
    if not history.requests:
        found = by_code(code, evidence.stack)
    else:
        found = next(filter(None, (rule(case) for rule in RULES)))
        if home and MOVES.get(found.verdict) is home:
            found = judge(
                Recommendation.RIGHT,
                f"It is on {home.upper()} by now: the history has its requests on "
                f"{evidence.stack.upper()} alone, which were a reason to move it.",
            )
    gain = _gain(case, found.verdict)
    return Advice(
        evidence=evidence,
        code=code,
        verdict=found.verdict,
        reasons=found.reasons,
        confidence=_confidence(case, found.verdict),
        waiting=case.waiting if evidence.requests else None,
        gain=gain,
        changes=_changes(case, found.verdict),
        # A stream can't be shifted.
        commands=() if evidence.longs else commands_of(evidence.route, found.verdict),
    )


def by_code(code: RouteCode, home: Stack) -> Judgement:
    """Judge by the code, where nothing is measured: what a call takes, and how often, is open."""
    if code.is_websocket or (code.is_stream and home is Stack.ASGI):
        return judge(Recommendation.RIGHT, "It lasts for as long as its client listens.")
    calls = ", ".join(f"{each.text} ({each.place})" for each in code.blocking[:3])
    if home is Stack.ASGI and code.is_async and calls:
        return judge(
            Recommendation.TO_WSGI, f"An async view with calls that block the event loop: {calls}"
        )
    if home is Stack.ASGI and code.is_async and code.is_read:
        return judge(
            Recommendation.RIGHT, "An async view, in whose code no call is known to block."
        )
    if calls:
        return judge(Recommendation.UNKNOWN, f"It may wait, for how long is not measured: {calls}")
    return judge(
        Recommendation.UNKNOWN, "There is no history, and its code does not show what it takes."
    )


def _gain(case: Case, verdict: Recommendation) -> Gain | None:
    if not case.evidence.requests:
        return None
    if verdict is Recommendation.TO_ASGI:
        return gain_on_asgi(case.evidence, case.history, case.capacity)
    if verdict is Recommendation.TO_WSGI:
        return gain_on_wsgi(case.evidence, case.history, case.capacity)
    return None


def _confidence(case: Case, verdict: Recommendation) -> Confidence:
    found = case.evidence
    if not found.requests and not found.longs:
        return Confidence.LOW
    if verdict is Recommendation.UNKNOWN or case.is_saturated or found.requests < SOME_REQUESTS:
        return Confidence.LOW
    if verdict is Recommendation.TO_ASGI and case.waits_in_unknown_calls:
        return Confidence.MEDIUM
    is_clear = found.stack is Stack.ASGI or abs((case.waiting or 0.0) - LEAST_WAITING) >= CLEAR
    is_long = found.span_s >= LONG_S and found.requests >= MANY_REQUESTS
    return Confidence.HIGH if is_clear and is_long else Confidence.MEDIUM


def _changes(case: Case, verdict: Recommendation) -> tuple[Change, ...]:
    if verdict is Recommendation.TO_ASGI:
        return case.code.changes
    return case.code.blocking if verdict is Recommendation.TO_WSGI else ()


def commands_of(route: str, verdict: Recommendation) -> tuple[str, ...]:
    """Return the commands that prove a move of ``route``, none where none is advised."""
    if verdict not in (Recommendation.TO_ASGI, Recommendation.TO_WSGI):
        return ()
    to = "asgi" if verdict is Recommendation.TO_ASGI else "wsgi"
    name = shlex.quote(route)
    return (
        f"tandem shift {name} --to {to} --mirror",
        f"tandem shift {name} --to {to} --percent 5",
        f"tandem advise {name}",
    )
