"""
The samples of a step → go on, wait, or roll back, with the reason: the decision of a shift.

Each rule counts, on both sides, the requests that something is true of: that failed, that took
longer than a bound, that look different. One test says whether the trial has too many of them. Its
probability is that of a chance where both sides are alike; it is low, for the test is repeated with
each request.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from django_tandem.model.shifts import Shift
from django_tandem.shift.samples import Sample, Sides, quantile, times_of

# A rule that finds a difference by chance would roll back one shift in some hundreds.
CHANCE = 1e-4
# Of an exception that the home stack never raised: one is a sign.
CHANCE_OF_EXCEPTION = 1e-3
# With too few requests at home to compare with, so many failures are enough.
MOST_FAILED = 10
# A route may fail after hours in which it did not, which are not to outweigh that.
NEWEST = 20
# A worker's first request of a route compiles templates and connects to the database. So many on
# trial may find such workers, and show nothing of the time that the others take.
WARM_UP = 10
# The edge's clock has milliseconds, and a shorter difference matters to nobody.
LEAST_SLOWER_S = 0.010
# A body may have a date or a token that is longer by some bytes.
SIZE_TOLERANCE = 0.02
# Ids of requests that show the reason.
SHOWN = 5


class Action(Enum):
    """What is to be done with a shift."""

    WAIT = "wait"
    GO_ON = "go on"
    ROLL_BACK = "roll back"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What is to be done, the reason in a sentence, and requests and exceptions that show it."""

    action: Action
    reason: str = ""
    requests: tuple[str, ...] = ()
    exceptions: tuple[str, ...] = ()


Reason = tuple[str, Sequence[Sample]]
Rule = Callable[[Shift, Sides], Reason | None]


def decide(shift: Shift, sides: Sides, now: float) -> Decision:
    """Decide what follows from the samples of a step, at ``now`` in seconds since the epoch."""
    for rule in RULES:
        found = rule(shift, sides)
        if found is not None:
            reason, shown = found
            return Decision(
                action=Action.ROLL_BACK,
                reason=reason,
                requests=tuple(each.request_id for each in shown[-SHOWN:]),
                exceptions=tuple(sorted({each.exception for each in shown} - {""})),
            )
    missing = _missing(shift, sides)
    if missing:
        return Decision(action=Action.WAIT, reason=missing)
    left_s = shift.step_began_s + shift.every_s - now
    if left_s > 0:
        return Decision(action=Action.WAIT, reason="Both sides are alike so far.")
    return Decision(action=Action.GO_ON)


def _missing(shift: Shift, sides: Sides) -> str:
    """Return why there is too little to compare, empty where there is enough."""
    if lacks_home(shift, sides) and shift.percent == 100:
        return (
            f"{shift.home.upper()} has had {len(sides.home)} of {shift.least_samples} requests to "
            "compare with, and gets no more at 100 %."
        )
    for stack, samples in ((shift.to, sides.trial), (shift.home, sides.home)):
        of_both = sum(each.fails_at_home for each in samples)
        found = len(samples) - of_both
        if found < shift.least_samples:
            besides = f", besides {of_both} that failed on both stacks" if of_both else ""
            return f"{stack.upper()} has had {found} of {shift.least_samples} requests{besides}."
    failed = sum(each.is_failed for each in sides.home)
    if 2 * failed > len(sides.home):
        return (
            f"{_share(failed, sides.home)} requests failed on {shift.home.upper()} itself, so "
            "they show nothing of the other stack."
        )
    return ""


def lacks_home(shift: Shift, sides: Sides) -> bool:
    """Return whether the requests at home are too few to compare with."""
    return len(sides.home) < shift.least_samples


def failures(shift: Shift, sides: Sides) -> Reason | None:
    """More requests fail on trial than at home: of the whole step, or of the newest."""
    for trial, home in ((sides.trial, sides.home), _newest(sides)):
        # One client may send what fails anywhere, and is on one side alone.
        failed = [each for each in trial if each.is_failed and not each.fails_at_home]
        at_home = sum(each.is_failed for each in home)
        if _has_failed(len(failed), len(trial), at_home, len(home)):
            statuses = sorted({each.status for each in failed})
            reason = (
                f"{_share(len(failed), trial)} requests failed on {shift.to.upper()}, with "
                f"{_listed(statuses)}{_raising(failed)}, and {_share(at_home, home)} on "
                f"{shift.home.upper()}."
            )
            return reason, failed
    return None


def _newest(sides: Sides) -> tuple[Sequence[Sample], Sequence[Sample]]:
    """Return the newest requests on trial, and those at home since then."""
    trial = sides.trial[-NEWEST:]
    since = trial[0].at if trial else 0.0
    return trial, [each for each in sides.home if each.at >= since]


def _has_failed(failed: int, of_trial: int, at_home: int, of_home: int) -> bool:
    is_most = failed >= MOST_FAILED and 2 * failed > of_trial and 2 * at_home <= of_home
    return is_most or _is_excess(failed, of_trial, at_home, of_home)


def new_exceptions(shift: Shift, sides: Sides) -> Reason | None:
    """The trial raises an exception that the home stack never does."""
    known = {each.exception for each in sides.home}
    by_type: dict[str, list[Sample]] = defaultdict(list)
    for each in sides.trial:
        if each.exception not in known and each.exception and not each.fails_at_home:
            by_type[each.exception].append(each)
    for name, raised in sorted(by_type.items()):
        if _is_excess(len(raised), len(sides.trial), 0, len(sides.home), CHANCE_OF_EXCEPTION):
            reason = (
                f"{name} was raised by {_share(len(raised), sides.trial)} requests on "
                f"{shift.to.upper()}, and by none of {len(sides.home)} on {shift.home.upper()}."
            )
            return reason, raised
    return None


def slower_p50(shift: Shift, sides: Sides) -> Reason | None:
    """Half of the requests take longer on trial than those at home, beyond the tolerance."""
    return _slower(shift, sides, 0.5)


def slower_p95(shift: Shift, sides: Sides) -> Reason | None:
    """The slowest requests take longer on trial than those at home, beyond the tolerance."""
    return _slower(shift, sides, 0.95)


def _slower(shift: Shift, sides: Sides, share: float) -> Reason | None:
    home = sorted(times_of(sides.home))
    usual = quantile(home, share)
    if usual is None:
        return None
    bound = _tolerated(shift, usual)
    warm = sides.trial[WARM_UP:]
    times, left = times_of(warm), _waited(sides.left_trial, bound)
    left_home = len(_waited(sides.left_home, bound))
    slow = [each for each in warm if not each.is_failed and (each.first_byte_s or 0) > bound]
    slow_at_home = sum(each > bound for each in home) + left_home
    counts = len(slow) + len(left), len(times) + len(left), slow_at_home, len(home) + left_home
    own = quantile(sorted([*times, *(each.took_s for each in left)]), share) or 0.0
    if own <= bound or not _is_excess(*counts):
        return None
    least = "at least " if left else ""
    reason = (
        f"The p{share * 100:.0f} is {least}{_ms(own)} on {shift.to.upper()}, and {_ms(usual)} on "
        f"{shift.home.upper()}: more than {shift.tolerance:.0%} above it."
    )
    return reason, [*slow, *left]


def clients_that_left(shift: Shift, sides: Sides) -> Reason | None:
    """
    More clients leave on trial than at home, and later than most at home have their response.

    A view may hang in too few requests for the p95. Its edge would answer each with 504, which is
    a failure, where no client gave up before.
    """
    usual = quantile(sorted(times_of(sides.home)), 0.95)
    if usual is None:
        return None
    bound = _tolerated(shift, usual)
    left, at_home = _waited(sides.left_trial, bound), _waited(sides.left_home, bound)
    of_trial, of_home = len(sides.trial) + len(left), len(sides.home) + len(at_home)
    if not _is_excess(len(left), of_trial, len(at_home), of_home):
        return None
    least = min(each.took_s for each in left)
    reason = (
        f"{len(left)} of {of_trial} clients left without a response of {shift.to.upper()}, after "
        f"at least {_ms(least)}, and {len(at_home)} of {of_home} as late on "
        f"{shift.home.upper()}, whose p95 is {_ms(usual)}."
    )
    return reason, left


def _tolerated(shift: Shift, usual: float) -> float:
    """Return the time up to which a request on trial is not slower than ``usual``."""
    return usual * (1 + shift.tolerance) + LEAST_SLOWER_S


def _waited(left: Iterable[Sample], bound: float) -> list[Sample]:
    """Return the requests that took longer than ``bound``: how long the others take is unknown."""
    return [each for each in left if each.took_s > bound]


def other_status_or_headers(shift: Shift, sides: Sides) -> Reason | None:
    """Responses have another status, or others of the headers that the edge compares."""
    if shift.percent == 100:
        return None
    # A failure has a separate rule.
    home = _by_client(each for each in sides.home if not each.is_failed)
    trial = _by_client(each for each in sides.trial if not each.is_failed)
    counts: dict[str, int] = defaultdict(int)
    for each in home:
        counts[each.shape] += 1
    different = [each for each in trial if not counts[each.shape]]
    alone_at_home = sum(1 for each in home if counts[each.shape] == 1)
    if not _is_excess(len(different), len(trial), alone_at_home, len(home)):
        return None
    usual = max(counts, key=lambda shape: counts[shape])
    reason = (
        f"{_share(len(different), trial)} clients got a response on {shift.to.upper()} that none "
        f"of {len(home)} got on {shift.home.upper()}: {_difference(usual, different[-1].shape)}."
    )
    return reason, different


def other_body_size(shift: Shift, sides: Sides) -> Reason | None:
    """Bodies of the same path are shorter or longer on trial than any at home."""
    if shift.percent == 100:
        # Those at home are older: a list may have grown since.
        return None
    home, trial = (
        _by_client(each for each in side if each.size is not None and not each.is_failed)
        for side in (sides.home, sides.trial)
    )
    sizes: dict[str, list[int]] = defaultdict(list)
    for each in home:
        sizes[each.path].append(each.size or 0)
    ranges = {path: sorted(found) for path, found in sizes.items()}
    compared = [each for each in trial if each.path in ranges]
    different = [each for each in compared if _is_outside(each.size or 0, ranges[each.path])]
    others = [each for each in home if len(ranges[each.path]) > 1]
    outside = sum(_is_extreme(each.size or 0, ranges[each.path]) for each in others)
    if not _is_excess(len(different), len(compared), outside, len(others)):
        return None
    last = different[-1]
    usual = ranges[last.path]
    reason = (
        f"{_share(len(different), compared)} clients got a body of another length on "
        f"{shift.to.upper()}: that of {last.path} has {last.size} bytes, and "
        f"{_range(usual)} on {shift.home.upper()}."
    )
    return reason, different


# The first rule that finds a difference gives the reason: the plainest one.
RULES: tuple[Rule, ...] = (
    failures,
    new_exceptions,
    slower_p50,
    slower_p95,
    clients_that_left,
    other_status_or_headers,
    other_body_size,
)


def _by_client(samples: Iterable[Sample]) -> list[Sample]:
    """Return the last sample of each client and path: one client is not many."""
    return list({(each.client, each.path): each for each in samples}.values())


def _is_outside(size: int, ordered: Sequence[int]) -> bool:
    return not (ordered[0] * (1 - SIZE_TOLERANCE) <= size <= ordered[-1] * (1 + SIZE_TOLERANCE))


def _is_extreme(size: int, ordered: Sequence[int]) -> bool:
    """Return whether one of ``ordered`` is outside of all the others."""
    if size == ordered[0]:
        return size < ordered[1] * (1 - SIZE_TOLERANCE)
    return size == ordered[-1] and size > ordered[-2] * (1 + SIZE_TOLERANCE)


def _is_excess(trial: int, of_trial: int, home: int, of_home: int, chance: float = CHANCE) -> bool:
    """Return whether the trial has more than its share, other than by a chance of ``chance``."""
    if not trial or not of_home or trial * of_home <= home * of_trial:
        return False
    return fisher(trial, of_trial, home, of_home) < chance


def fisher(trial: int, of_trial: int, home: int, of_home: int) -> float:
    """
    Return the probability of at least ``trial`` of the requests on trial, if sides are alike.

    That is Fisher's exact test with one side, which holds for small numbers too.
    """
    marked, whole = trial + home, of_trial + of_home
    log_all = _log_choose(whole, of_trial)
    return math.fsum(
        math.exp(
            _log_choose(marked, count) + _log_choose(whole - marked, of_trial - count) - log_all
        )
        for count in range(trial, min(marked, of_trial) + 1)
        if of_trial - count <= whole - marked
    )


def _log_choose(whole: int, part: int) -> float:
    return math.lgamma(whole + 1) - math.lgamma(part + 1) - math.lgamma(whole - part + 1)


def _share(count: int, samples: Sequence[Sample]) -> str:
    return f"{count} of {len(samples)}"


def _range(ordered: Sequence[int]) -> str:
    low, high = ordered[0], ordered[-1]
    return str(low) if low == high else f"{low} to {high}"


def _listed(statuses: Iterable[int]) -> str:
    return " and ".join(map(str, statuses))


def _raising(failed: Iterable[Sample]) -> str:
    names = sorted({each.exception for each in failed} - {""})
    return f" ({', '.join(names)})" if names else ""


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"


# The parts of a shape, in the order of the edge's log.
PARTS = (
    "status", "Content-Type", "Content-Encoding", "Cache-Control", "Vary", "Set-Cookie", "ETag",
    "Location", "Last-Modified",
)  # fmt: skip


def _difference(usual: str, other: str) -> str:
    """Return the parts in which two shapes differ."""
    pairs = zip(PARTS, usual.split("|"), other.split("|"), strict=False)
    return ", ".join(
        f"{name} {new or 'none'} instead of {old or 'none'}"
        for name, old, new in pairs
        if old != new
    )
