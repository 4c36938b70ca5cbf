"""The marks on the charts: when the stack was started and reloaded, and programs were restarted."""

from collections import Counter, deque
from collections.abc import Mapping

from django_tandem.model.programs import MONITOR, generation_of
from django_tandem.monitor.snapshot import ChartMark

MOST_MARKS = 200
START, RELOAD, RESTART = "start", "reload", "restart"


class ChartMarks:
    """Finds what has changed since the last sample, and counts it."""

    def __init__(self, started_at: float) -> None:
        self._marks: deque[ChartMark] = deque(maxlen=MOST_MARKS)
        self._marks.append(ChartMark(at=started_at, kind=START, text="The stack was started."))
        self._generation = 0
        self._seen: Mapping[str, int] | None = None
        self.reloads = 0
        # By program, without the number of its generation.
        self.restarts: Counter[str] = Counter()

    @property
    def all(self) -> tuple[ChartMark, ...]:
        """The marks, the oldest first."""
        return tuple(self._marks)

    def see_generation(self, generation: int, now: float) -> None:
        """Mark a reload, if this is another generation."""
        if self._generation and generation != self._generation:
            self.reloads += 1
            text = f"Generation {generation} is live."
            self._marks.append(ChartMark(at=now, kind=RELOAD, text=text))
        self._generation = generation

    def see_restarts(self, restarts: Mapping[str, int], now: float) -> None:
        """Mark programs that were restarted more often than at the last sample."""
        before = self._seen
        if before is None:
            # Those before the first sample have no time, except the restart that this monitor is.
            # Others would be counted twice: Prometheus adds the whole of a counter that is lower.
            before = {**restarts, MONITOR: 0}
        for program, count in restarts.items():
            times = count - before.get(program, 0)
            if times > 0:
                self.restarts[name_of(program)] += times
                self._marks.append(
                    ChartMark(at=now, kind=RESTART, text=f"{program} was restarted.")
                )
        self._seen = restarts


def name_of(program: str) -> str:
    """Return the name of a program without the number of its generation, for a stable label."""
    return program.rpartition("-")[0] if generation_of(program) else program
