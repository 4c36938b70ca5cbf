"""Routes that are shifted to the other stack: `tandem shift` writes them, the edge follows them."""

import hashlib
from dataclasses import dataclass, replace
from enum import StrEnum

from django_tandem.model.routes import Stack

# In the run directory: a line of the edge for each request of a shifted route.
SHIFTED_FILE = "shift.tsv"
# The methods of a shift; the first two are safe to repeat.
SAFE_METHODS = ("GET", "HEAD")
METHODS = (*SAFE_METHODS, "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

STEPS = (1, 5, 25, 50, 100)
EVERY_S = 600.0
TOLERANCE = 0.25
LEAST_SAMPLES = 50
# The newest requests of each side that are compared.
MOST_COMPARED = 2000
# Of which some may be of clients that left, and do not count as samples.
MOST_SAMPLES = MOST_COMPARED // 2


class ShiftState(StrEnum):
    """The state of a shift: the first three split the requests of its route."""

    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    ABORTED = "aborted"
    ROLLED_BACK = "rolled back"


@dataclass(frozen=True, slots=True, kw_only=True)
class SideFigures:
    """
    The requests of one side in a step; a failed one has a status from 500 on, or no response.

    The percentiles are of the time until the first byte of a response, and ``p50_bytes`` of the
    length of its body: each None without a request.
    """

    requests: int = 0
    failed: int = 0
    p50_s: float | None = None
    p95_s: float | None = None
    p50_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """
    One route, and the share of its requests that the stack ``to`` serves.

    ``route`` is the route's pattern, ``home`` the stack that served it before. It goes through the
    percents ``steps`` of clients, of which ``step`` is the index, each for ``every_s`` and until
    each side has ``least_samples`` requests. A p50 or p95 that is more than ``tolerance`` above
    that of the home stack rolls it back: 0.25 is a quarter. Times are in seconds since the epoch.
    ``reason`` says in a sentence why it stands where it does. ``step_note`` says why its step
    was restarted, or the one before again; empty where neither was. ``requests`` are the ids of
    some requests that show the reason, and ``exceptions`` the types that its side alone has raised.
    ``ended_s`` is when it was aborted or rolled back, 0 before.
    """

    route: str
    to: Stack
    home: Stack
    steps: tuple[int, ...] = STEPS
    step: int = 0
    every_s: float = EVERY_S
    methods: tuple[str, ...] = SAFE_METHODS
    tolerance: float = TOLERANCE
    least_samples: int = LEAST_SAMPLES
    state: ShiftState = ShiftState.RUNNING
    began_s: float = 0.0
    step_began_s: float = 0.0
    generation: int = 0
    reason: str = ""
    at_home: SideFigures = SideFigures()
    on_trial: SideFigures = SideFigures()
    step_note: str = ""
    requests: tuple[str, ...] = ()
    exceptions: tuple[str, ...] = ()
    is_automatic: bool = False
    ended_s: float = 0.0

    @property
    def is_watched(self) -> bool:
        """Whether its sides are compared."""
        return self.state in (ShiftState.RUNNING, ShiftState.PAUSED)

    @property
    def percent(self) -> int:
        """The share of its clients that the stack ``to`` serves now."""
        has_ended = self.state in (ShiftState.ABORTED, ShiftState.ROLLED_BACK)
        return 0 if has_ended else self.steps[self.step]

    @property
    def is_last_step(self) -> bool:
        """Whether no further step follows."""
        return self.step == len(self.steps) - 1

    def end(self, state: ShiftState, reason: str, now: float) -> "Shift":
        """Return it as it was aborted or rolled back at ``now``."""
        return replace(self, state=state, reason=reason, ended_s=now)


def route_id(route: str) -> str:
    """Return the name of a route, as the edge's log has it, that is safe in a path."""
    return hashlib.sha256(route.encode()).hexdigest()[:12]
