"""The rules of the advice: what a route did, and its code → where it belongs, and why."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from django_tandem.advisor.code import RouteCode
from django_tandem.advisor.evidence import History, RouteEvidence
from django_tandem.advisor.gains import Capacity
from django_tandem.model import Stack

# Fewer requests are no evidence; nor are requests that mostly fail, or have no CPU time.
FEWEST_REQUESTS = 30
MOST_ERRORS = 0.5
LEAST_KNOWN = 0.5
# A route that waits for less of its time computes in the rest, which ASGI does no better.
LEAST_WAITING = 0.6
# What a request may compute on an event loop, where all others of its process wait for it.
MOST_ON_LOOP_S = 0.05
MOST_LOOP_LOAD = 0.3
# What it must hold: workers on average or in the busiest minute, or else a share of the queue.
LEAST_WORKERS, LEAST_WORKER_SHARE = 0.1, 0.02
LEAST_PEAK_WORKERS = 0.25
LEAST_QUEUE_SHARE, LEAST_QUEUE_S = 0.2, 0.005
# An async view blocks the loop if it does so for this long, and for this share of its time.
LEAST_BLOCKED_S, LEAST_BLOCKED_SHARE = 0.01, 0.3
# A synchronous view on ASGI computes for this share of its time, or else it holds a thread.
LEAST_COMPUTING = 0.5
# From which load of the CPUs on the time off a CPU may be a wait for one.
SATURATED = 0.7
SATURATED_BLOCKED_S = 0.03
SATURATED_WAITING = 0.8


class Recommendation(StrEnum):
    """What to do with a route."""

    TO_ASGI = "move to ASGI"
    STAY = "stay on WSGI"
    TO_WSGI = "move to WSGI"
    RIGHT = "already right"
    UNKNOWN = "not enough data"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What a rule judges: a route with evidence, its code, and the stack around it."""

    evidence: RouteEvidence
    code: RouteCode
    capacity: Capacity
    history: History = field(default_factory=History)

    @property
    def is_saturated(self) -> bool:
        """Whether its requests may have waited for a CPU, or for the one interpreter of threads."""
        share = self.capacity.cpus if self._has_threads else 1
        return self.evidence.cpu_load * share > SATURATED

    @property
    def is_bounded(self) -> bool:
        """Whether the time in which they waited for it is not measured, and only bounded."""
        return self.is_saturated and (self._has_threads or not self.evidence.delay_s)

    @property
    def _has_threads(self) -> bool:
        return self.capacity.has_wsgi_threads and self.evidence.stack is Stack.WSGI

    @property
    def waits_in_unknown_calls(self) -> bool:
        """Whether its source was read, and has no call that is known to wait."""
        return self.code.is_read and not self.code.is_async and not self.code.blocking

    @property
    def computing_s(self) -> float:
        """
        The seconds of one request in which it computes, waits for a CPU, or blocks its loop.

        Where a wait for a CPU was not measured, and the CPUs had no time left, they are the most
        that it can be.
        """
        found = self.evidence
        measured = max(found.cpu_each_s + found.delay_each_s, found.blocked_each_s)
        if not self.is_bounded:
            return measured
        return min(found.each_s, measured * self.capacity.stretch)

    @property
    def waiting(self) -> float | None:
        """The share of a request in which it waits; None where that is not known."""
        found = self.evidence
        if not found.cpu_known or not found.each_s:
            return None
        return max(0.0, 1 - self.computing_s / found.each_s)

    @property
    def queue_share(self) -> float:
        """Its share of the time that requests were in the queue of its stack."""
        whole_s = self.history.queue_s
        return self.evidence.queue_caused_s / whole_s if whole_s else 0.0

    @property
    def blocked_s(self) -> float:
        """The seconds for which a request stops its event loop, as it is measured or computed."""
        found = self.evidence
        return max(found.blocked_each_s, found.cpu_each_s if self.code.is_async else 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What a rule answers: the verdict and its reasons."""

    verdict: Recommendation
    reasons: tuple[str, ...]


Rule = Callable[[Case], Judgement | None]


def long_rule(case: Case) -> Judgement | None:
    """Leave WebSockets and event streams on ASGI, and bring a stream there."""
    if case.code.is_websocket:
        return judge(Recommendation.RIGHT, "WebSockets are served by ASGI alone.")
    if not case.evidence.longs and not case.code.is_stream:
        return None
    if case.evidence.stack is Stack.ASGI:
        return judge(Recommendation.RIGHT, "A stream lasts for as long as its client listens.")
    return judge(
        Recommendation.TO_ASGI, "A stream holds a WSGI worker for as long as its client listens."
    )


def few_rule(case: Case) -> Judgement | None:
    """Judge no route by a handful of requests."""
    found = case.evidence
    if found.requests >= FEWEST_REQUESTS:
        return None
    count = f"{found.requests} request{'' if found.requests == 1 else 's'}"
    return judge(
        Recommendation.UNKNOWN,
        f"It has {count} in the history, and {FEWEST_REQUESTS} are the least.",
    )


def failing_rule(case: Case) -> Judgement | None:
    """Judge no route that fails."""
    share = case.evidence.error_share
    if share <= MOST_ERRORS:
        return None
    return judge(
        Recommendation.UNKNOWN,
        f"{share:.0%} of its requests fail, and how it works otherwise is not measured.",
    )


def unmeasured_rule(case: Case) -> Judgement | None:
    """Judge no route whose CPU time is not known, unless it holds nothing."""
    found = case.evidence
    if found.known_share >= LEAST_KNOWN:
        return None
    if found.stack is Stack.WSGI and not _matters(case):
        return judge(Recommendation.STAY, _weightless(case))
    return judge(
        Recommendation.UNKNOWN,
        f"The CPU time of {found.known_share:.0%} of its requests is known: whether it waits or "
        "computes is not.",
    )


def blocking_rule(case: Case) -> Judgement | None:
    """Move an async view that blocks the event loop."""
    found, blocked_s = case.evidence, case.blocked_s
    if found.stack is Stack.WSGI or not case.code.is_async:
        return None
    alone_s = found.p10_s or found.each_s
    least_s = SATURATED_BLOCKED_S if case.is_saturated else LEAST_BLOCKED_S
    if blocked_s < least_s:
        return None
    how = _how_it_blocks(case)
    if blocked_s < LEAST_BLOCKED_SHARE * alone_s:
        return judge(
            Recommendation.RIGHT,
            f"It waits for most of {_ms(alone_s)}.",
            f"{how}: that part belongs in a thread, by sync_to_async.",
        )
    lag = f"It causes {found.lag_share:.0%} of the blocked time of ASGI." if found.lag_share else ""
    return judge(
        Recommendation.TO_WSGI, f"{how}, in which no other request of its process runs.", lag
    )


def thread_rule(case: Case) -> Judgement | None:
    """Move a synchronous view that competes with the event loop for the CPU."""
    found = case.evidence
    if found.stack is Stack.WSGI or case.code.is_async:
        return None
    alone_s = found.p10_s or found.each_s
    if found.cpu_each_s < max(LEAST_BLOCKED_S, LEAST_COMPUTING * alone_s):
        return None
    return judge(
        Recommendation.TO_WSGI,
        f"Its view is synchronous and computes for {_ms(found.cpu_each_s)}, in a thread that "
        "shares the interpreter with the event loop.",
    )


def on_asgi_rule(case: Case) -> Judgement | None:
    """Leave the rest of ASGI where it is."""
    found = case.evidence
    if found.stack is Stack.WSGI:
        return None
    return judge(
        Recommendation.RIGHT,
        f"It blocks the event loop for {_ms(case.blocked_s)} of {_ms(found.each_s)}."
        if case.code.is_async
        else f"Its thread waits for most of {_ms(found.each_s)}.",
    )


def computing_rule(case: Case) -> Judgement | None:
    """Leave a route on WSGI that computes."""
    found, waiting = case.evidence, case.waiting or 0.0
    if waiting >= (SATURATED_WAITING if case.is_bounded else LEAST_WAITING):
        return None
    if case.is_bounded:
        seen = 1 - found.cpu_each_s / found.each_s
        if seen >= LEAST_WAITING:
            return judge(
                Recommendation.UNKNOWN,
                f"It is off the CPU for {seen:.0%} of {_ms(found.each_s)}, but the CPUs were "
                f"{found.cpu_load:.0%} busy: that may be a wait for one.",
            )
    return judge(
        Recommendation.STAY,
        f"It computes for {1 - waiting:.0%} of {_ms(found.each_s)}: on ASGI it would stop the "
        "event loop for that long.",
    )


def weightless_rule(case: Case) -> Judgement | None:
    """Leave a route that waits but occupies almost no worker."""
    return None if _matters(case) else judge(Recommendation.STAY, _weightless(case))


def mixed_rule(case: Case) -> Judgement | None:
    """Leave a route that waits, and computes too much for an event loop."""
    found = case.evidence
    load = found.rate * case.evidence.cpu_each_s / case.capacity.asgi_workers
    if found.cpu_each_s <= MOST_ON_LOOP_S and load <= MOST_LOOP_LOAD:
        return None
    return judge(
        Recommendation.STAY,
        f"It waits for {case.waiting or 0:.0%} of {_ms(found.each_s)}, but computes for "
        f"{_ms(found.cpu_each_s)} of them, {load:.0%} of the time of the event loops, in which no "
        "other request of its process would run.",
    )


def waiting_rule(case: Case) -> Judgement:
    """Move a route that waits, and holds workers that matter."""
    found = case.evidence
    reasons = [
        f"It waits for {case.waiting or 0:.0%} of {_ms(found.each_s)} and holds "
        f"{found.workers:.2g} of {case.capacity.wsgi_workers} workers: an async view frees them."
    ]
    if found.burstiness >= 2:
        reasons.append(f"In its busiest minute it holds {found.peak_workers:.2g}.")
    if found.queue_caused_s >= 1:
        share = (
            found.queue_caused_s
            / (case.history.queue_each_s * case.history.wsgi_rate)
            / (case.history.span_s)
        )
        reasons.append(f"It causes {share:.0%} of the time that requests wait for a worker.")
    if case.waits_in_unknown_calls:
        reasons.append(
            "Its source shows no call that waits. If it waits for the database, each of its "
            "requests on ASGI holds a thread for that long instead of a worker."
        )
    return judge(Recommendation.TO_ASGI, *reasons)


# The first rule that answers wins, so the order is the policy.
RULES: tuple[Rule, ...] = (
    long_rule,
    few_rule,
    failing_rule,
    unmeasured_rule,
    blocking_rule,
    thread_rule,
    on_asgi_rule,
    computing_rule,
    weightless_rule,
    mixed_rule,
    waiting_rule,
)


def judge(verdict: Recommendation, *reasons: str) -> Judgement:
    """Return the verdict with those of ``reasons`` that are not empty."""
    return Judgement(verdict=verdict, reasons=tuple(filter(None, reasons)))


def _matters(case: Case) -> bool:
    found, workers = case.evidence, case.capacity.wsgi_workers
    if found.workers >= max(LEAST_WORKERS, LEAST_WORKER_SHARE * workers):
        return True
    if found.burstiness >= 2 and found.peak_workers >= LEAST_PEAK_WORKERS:
        return True
    return case.queue_share >= LEAST_QUEUE_SHARE and case.history.queue_each_s >= LEAST_QUEUE_S


def _weightless(case: Case) -> str:
    found = case.evidence
    return (
        f"It holds {found.workers:.2g} of {case.capacity.wsgi_workers} workers: a move would free "
        "almost none of them."
    )


def _how_it_blocks(case: Case) -> str:
    found, blocked_s = case.evidence, case.blocked_s
    if found.cpu_each_s >= 0.5 * blocked_s:
        return f"An async view that computes for {_ms(blocked_s)}"
    return f"An async view that blocks the event loop for {_ms(blocked_s)}, by a call that waits"


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds >= 0.001 else f"{seconds * 1000:.1g} ms"
