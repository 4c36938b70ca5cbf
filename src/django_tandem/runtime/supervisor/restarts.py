"""How often each program died and was started again, which supervisord itself does not keep."""

from collections import Counter
from typing import Any

from supervisor import events
from supervisor.states import ProcessStates

from django_tandem.runtime.supervisor.guard import subscribe

# The states from which supervisord starts what ended without being told to.
DEAD = (ProcessStates.EXITED, ProcessStates.BACKOFF)


def make_restarts(_supervisord: Any) -> "Restarts":
    """Return the method that is called as ``restarts.counts`` over XML-RPC."""
    return Restarts()


class Restarts:
    """The restarts of each program since it was first started."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        subscribe(events.ProcessStateStartingEvent, self._count)
        subscribe(events.ProcessGroupRemovedEvent, self._forget)

    def counts(self) -> dict[str, int]:
        """Return how often each program was started again, those left out that never were."""
        return dict(self._counts)

    def _count(self, event: Any) -> None:
        if event.from_state in DEAD:
            self._counts[event.process.config.name] += 1

    def _forget(self, event: Any) -> None:
        self._counts.pop(str(event.group), None)
