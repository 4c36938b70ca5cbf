"""What runs against what the state says, looked at in the one order that never errs."""

from dataclasses import dataclass
from pathlib import Path

from django_tandem.render.state import State
from django_tandem.runtime import commit, lock, supervisord
from django_tandem.runtime.generations import to_end, to_start
from django_tandem.runtime.sockets import linked
from django_tandem.runtime.state import read_state


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Which programs run, which of them are to end, and which are to start."""

    state: State
    running: tuple[str, ...]
    ending: tuple[str, ...]
    starting: tuple[str, ...]


def look(run_dir: Path) -> Standing | None:
    """Look at what runs; None when nothing was started. Raises OSError without supervisord."""
    return compare(run_dir, tuple(each.name for each in supervisord.statuses(run_dir)))


def compare(run_dir: Path, running: tuple[str, ...]) -> Standing | None:
    """
    Compare the programs that were found ``running`` with the state.

    The programs first, then the lock, then the state: each look knows at least as much as the
    one before, so that what a reload has started is never taken for what somebody left.
    """
    is_reloading = lock.holder(run_dir, lock.RELOAD) is not None
    state = read_state(run_dir)
    if state is None:
        return None
    # Committed, and the links have not moved yet: what they lead to serves.
    is_moving = is_reloading and commit.is_unfinished(run_dir)
    found = to_end(state, running, is_reloading=is_reloading, linked=linked(run_dir))
    return Standing(
        state=state,
        running=running,
        ending=() if is_moving else tuple(found),
        starting=() if is_moving else tuple(to_start(state, running)),
    )
