"""A line of the edge → a Sample: one request of a shifted route, on trial or at home."""

import math
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from django_tandem.model.shifts import MOST_COMPARED, SideFigures

# What the edge writes of a client that left before its response.
CLIENT_LEFT = 499


class Sample(NamedTuple):
    """
    One finished request; ``at`` is its end in seconds since the epoch, ``took_s`` all of its time.

    ``stack`` is the trial's, ``route`` the id of the route. ``client`` distinguishes clients by a
    hash. ``first_byte_s`` is None without a response. ``shape`` is its status, its content type
    and which headers it has. A client that ``has_left`` before its response shows only that it
    waited for so long. One that ``fails_at_home`` failed on trial, and again at home, which shows
    no difference of the two.
    """

    at: float
    stack: str
    route: str
    is_trial: bool
    is_failed: bool
    status: int
    took_s: float
    first_byte_s: float | None
    size: int | None
    client: str
    exception: str
    shape: str
    request_id: str
    path: str
    has_left: bool = False
    fails_at_home: bool = False


def parse(line: str) -> Sample | None:
    """
    Read a line of `log_format tandem_shift`; None for a request of no route.

    Raises ValueError for a damaged one.
    """
    (
        at, stack, route, side, method, status, statuses, took, first_byte, sizes, client,
        exception_on_trial, exception, shape, request_id, path,
    ) = line.split("\t")  # fmt: skip
    if not route:
        return None
    # One that failed on trial was answered by its home stack, and maybe by the second of its peers:
    # its own figures stand first.
    was_answered = side == "failed"
    own = _own(statuses, was_answered=was_answered)
    found = int(own) if own.isdecimal() else int(status)
    return Sample(
        at=float(at),
        stack=stack,
        route=route,
        is_trial=side != "home",
        is_failed=was_answered or found >= 500,
        status=found,
        took_s=float(took),
        first_byte_s=_number(_own(first_byte, was_answered=was_answered)),
        size=_size(_own(sizes, was_answered=was_answered), method, found),
        client=client,
        exception=exception_on_trial if was_answered else exception,
        shape=f"{found}|{shape}",
        request_id=request_id,
        path=path,
        # What failed on trial before is known.
        has_left=int(status) == CLIENT_LEFT and not was_answered,
        fails_at_home=was_answered and int(status) >= 500,
    )


def _own(figures: str, *, was_answered: bool) -> str:
    # After an internal redirect " : " is between the figures, and ", " between those of servers.
    parts = figures.replace(",", " :").split(" : ")
    return parts[0] if was_answered else parts[-1]


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _size(text: str, method: str, status: int) -> int | None:
    # A HEAD has no body, and a 304 has that of the client's cache.
    return int(text) if text.isdecimal() and method != "HEAD" and status != 304 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """
    The samples of one step: of both sides in the same time, the oldest first.

    Those whose clients left before a response are apart: they show nothing but how long it took
    at least.
    """

    home: Sequence[Sample] = ()
    trial: Sequence[Sample] = ()
    left_home: Sequence[Sample] = ()
    left_trial: Sequence[Sample] = ()


class StepSamples:
    """The newest samples of a step, and how many there were."""

    def __init__(self) -> None:
        self._kept: dict[bool, deque[Sample]] = {
            is_trial: deque(maxlen=MOST_COMPARED) for is_trial in (True, False)
        }
        self._counts = {True: 0, False: 0}
        self._failed = {True: 0, False: 0}

    def add(self, sample: Sample) -> None:
        """Count a request."""
        self._kept[sample.is_trial].append(sample)
        self._counts[sample.is_trial] += not sample.has_left
        self._failed[sample.is_trial] += sample.is_failed

    def restart(self, *, keeps_home: bool) -> None:
        """Begin another step; the last one has nobody at home to compare with."""
        for is_trial in (True,) if keeps_home else (True, False):
            self._kept[is_trial].clear()
            self._counts[is_trial] = self._failed[is_trial] = 0

    @property
    def sides(self) -> Sides:
        """What is compared."""
        home, left_home = _by_presence(self._kept[False])
        trial, left_trial = _by_presence(self._kept[True])
        return Sides(home=home, trial=trial, left_home=left_home, left_trial=left_trial)

    def figures(self, *, of_trial: bool) -> SideFigures:
        """Return the figures of one side."""
        kept, _ = _by_presence(self._kept[of_trial])
        times = sorted(times_of(kept))
        sizes = sorted(each.size for each in kept if each.size is not None and not each.is_failed)
        return SideFigures(
            requests=self._counts[of_trial],
            failed=self._failed[of_trial],
            p50_s=quantile(times, 0.5),
            p95_s=quantile(times, 0.95),
            p50_bytes=sizes[len(sizes) // 2] if sizes else None,
        )


def _by_presence(samples: Iterable[Sample]) -> tuple[tuple[Sample, ...], tuple[Sample, ...]]:
    """Return the samples with a response for their client, and those whose client has left."""
    answered: list[Sample] = []
    left: list[Sample] = []
    for each in samples:
        (left if each.has_left else answered).append(each)
    return tuple(answered), tuple(left)


def times_of(samples: Iterable[Sample]) -> list[float]:
    """Return the times of the requests that did not fail."""
    return [
        each.first_byte_s
        for each in samples
        if each.first_byte_s is not None and not each.is_failed
    ]


def quantile(ordered: Sequence[float], share: float) -> float | None:
    """Return the value that ``share`` of ``ordered`` do not exceed; None where it is empty."""
    if not ordered:
        return None
    # Not 95.00000000000001 of a hundred.
    return ordered[math.ceil(round(share * len(ordered), 6)) - 1]
