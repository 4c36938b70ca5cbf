"""A row of the table: what one fault did, and the bounds it must keep."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """A measured value, and what it must reach: one of the two is set, both for one exact."""

    value: float
    at_most: float | None = None
    at_least: float | None = None

    @property
    def holds(self) -> bool:
        return (self.at_least is None or self.value >= self.at_least) and (
            self.at_most is None or self.value <= self.at_most
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """
    What came of one fault.

    ``failed`` requests count by why; ``closes`` of WebSockets by code. ``spread`` is the smallest
    share of a drain's window over which its closes lie, ``recovery_s`` the longest until what
    the fault hit served again.
    """

    sent: int
    failed: dict[str, int]
    sockets: int
    closes: dict[int, int]
    spread: float | None = None
    recovery_s: float | None = None
    bounds: dict[str, Bound] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def short(self) -> list[str]:
        """The bounds it falls short of, in words."""
        return [
            f"{name} {bound.value:g}, bound {_bound(bound)}"
            for name, bound in self.bounds.items()
            if not bound.holds
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One line of the list: its name, as `make faults ONLY=…` takes it, and how it is run."""

    name: str
    run: Callable[[], Awaitable[Row]]


def unfinished(why: str) -> Row:
    """Return the row of a fault that could not be run to its end."""
    bounds = {"run to its end": Bound(value=0, at_least=1)}
    return Row(sent=0, failed={}, sockets=0, closes={}, bounds=bounds, notes=(why,))


def _bound(bound: Bound) -> str:
    if bound.at_least == bound.at_most:
        return f"{bound.at_least:g}"
    return f">= {bound.at_least:g}" if bound.at_least is not None else f"<= {bound.at_most:g}"
