"""A running stack at one moment: which generation serves, what each program does and takes."""

import contextlib
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from django_tandem.errors import RefusedError
from django_tandem.render import state as kept
from django_tandem.render.state import State
from django_tandem.runtime import commit, lock, supervisord
from django_tandem.runtime.programs import READY, Duty, Program, look
from django_tandem.runtime.state import read_state
from django_tandem.runtime.usage import Usage, usages


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """
    A stack at one moment, which is ``at_s`` on the clock that only goes on.

    ``pid`` is supervisord's, ``reload_pid`` that of a reload on its way. ``usages`` is by
    pid, ``restarts`` by program, those left out that never died.
    """

    run_dir: Path
    state: State
    pid: int
    at_s: float
    age_s: int
    reload_pid: int | None
    programs: tuple[Program, ...]
    usages: dict[int, Usage]
    restarts: dict[str, int]

    @property
    def is_ready(self) -> bool:
        """Whether all of the generation that serves is ready."""
        return all(each.state == READY for each in self.on(Duty.SERVING))

    def on(self, duty: Duty) -> tuple[Program, ...]:
        """Return the programs of that duty."""
        return tuple(each for each in self.programs if each.duty is duty)


def take(run_dir: Path) -> Snapshot:
    """Look at the stack in ``run_dir``; raises RefusedError when none answers there."""
    pid = lock.holder(run_dir)
    if pid is None:
        raise _nothing_runs(run_dir)
    try:
        statuses, restarts = supervisord.statuses(run_dir), supervisord.restarts(run_dir)
    except OSError as error:
        raise RefusedError(
            f"supervisord with pid {pid} does not answer in {run_dir}: it is starting or stopping.",
            hint="Ask again in a moment.",
        ) from error
    # In this order: a reload that ends in between has left its state, and nothing half started.
    reload_pid = lock.holder(run_dir, lock.RELOAD)
    proposed = read_state(run_dir, commit.candidate(kept.NAME))
    state = read_state(run_dir)
    if state is None:
        raise _nothing_runs(run_dir)
    is_reloading = reload_pid is not None
    return Snapshot(
        run_dir=run_dir,
        state=state,
        pid=pid,
        at_s=time.monotonic(),
        age_s=_age_s(run_dir, pid),
        reload_pid=reload_pid,
        usages=usages(pid, {each.pid for each in statuses if each.pid}),
        restarts=restarts,
        programs=look(run_dir, state, proposed, statuses, is_reloading=is_reloading),
    )


def _nothing_runs(run_dir: Path) -> RefusedError:
    return RefusedError(f"Nothing runs in {run_dir}.", hint="Start it with `tandem up`.")


def _age_s(run_dir: Path, pid: int) -> int:
    # The commit renames the file, which keeps its time of writing; and where a stack is started
    # again with nothing changed, it is not even written.
    since = (run_dir / kept.NAME).stat().st_ctime
    with contextlib.suppress(psutil.Error):
        since = max(since, psutil.Process(pid).create_time())
    return max(0, int(time.time() - since))
