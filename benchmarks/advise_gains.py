"""Whether moves gain what `tandem advise` predicts: each in workers, all together in the queue."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from advise_figures import Recorded, stack_queue_ms, stack_workers
from advise_routes import ROUTES, WSGI, KnownRoute
from results import Ratio

MOVED = tuple(each for each in ROUTES if each.moved)
LEAST_HELD = 9
# Of workers, as the monitor has milliseconds.
ROUNDING = 0.02

Advice = Mapping[str, Mapping[str, Any]]
Range = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """
    What was predicted of the move of a route, and the workers that it freed.

    ``workers_freed`` are workers of WSGI, negative for a move to WSGI. By how much the move of a
    single route makes the queue shorter can't be measured where all move at once.
    """

    route: str
    workers_freed: float
    predicted_workers: Range
    predicted_queue_ms: Range

    @property
    def holds(self) -> bool:
        low, high = self.predicted_workers
        return low - ROUNDING <= self.workers_freed <= high + ROUNDING


@dataclass(frozen=True, slots=True, kw_only=True)
class Gains:
    """The moves, and the workers held and the mean queue of WSGI before and after all of them."""

    moves: tuple[Move, ...]
    workers: tuple[float, float]
    queue_ms: tuple[float, float]

    @classmethod
    def of(cls, advice: Advice, before: Recorded, after: Recorded) -> "Gains":
        """
        Compare what was predicted with what was measured.

        ``before`` is not what the advice is on, which would agree with its own recording. A route
        without a prediction is left out.
        """
        moves = tuple(
            Move(
                route=each.route,
                workers_freed=_workers(before, each) - _workers(after, each),
                predicted_workers=tuple(gain["workers_freed"]),
                predicted_queue_ms=tuple(gain["queue_ms"]),
            )
            for each in MOVED
            if each.route in advice and (gain := advice[each.route]["gain"])
        )
        return cls(
            moves=moves,
            workers=(stack_workers(before), stack_workers(after)),
            queue_ms=(stack_queue_ms(before), stack_queue_ms(after)),
        )

    @property
    def shorter_ms(self) -> float:
        """By how much the queue became shorter."""
        before, after = self.queue_ms
        return before - after

    def ratios(self) -> dict[str, Ratio]:
        """Return what is measured with its bounds, which for the queue are those predicted."""
        low, high = _added(each.predicted_queue_ms for each in self.moves)
        return {
            "routes that free as many workers as predicted": Ratio(
                value=float(sum(each.holds for each in self.moves)), at_least=LEAST_HELD
            ),
            "ms by which all moves make the queue shorter": Ratio(
                value=self.shorter_ms, at_least=low
            ),
            "the same, against the most that is predicted": Ratio(
                value=self.shorter_ms, at_most=high
            ),
        }

    def lines(self) -> Iterator[str]:
        """Yield a line for each move, and one for all of them: also for what others gain."""
        for each in self.moves:
            held = "" if each.holds else ", which is NOT in the range"
            yield (
                f"{each.route}: {each.workers_freed:.2f} workers freed, predicted "
                f"{_shown(each.predicted_workers)}{held}"
            )
        freed = self.workers[0] - self.workers[1]
        yield (
            f"All together: {freed:.2f} workers freed, predicted "
            f"{_shown(_added(each.predicted_workers for each in self.moves))}; the queue was "
            f"{self.queue_ms[0]:.1f} ms and is {self.queue_ms[1]:.1f} ms, {self.shorter_ms:.1f} ms "
            f"shorter, predicted {_shown(_added(each.predicted_queue_ms for each in self.moves))}"
        )


def _workers(recorded: Recorded, known: KnownRoute) -> float:
    found = recorded.get((known.route, WSGI))
    return found.workers if found else 0.0


def _added(ranges: Iterable[Range]) -> Range:
    found = list(ranges)
    return sum(low for low, _ in found), sum(high for _, high in found)


def _shown(bounds: Range) -> str:
    return f"{bounds[0]:.2f} to {bounds[1]:.2f}"
