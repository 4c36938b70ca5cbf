"""The life of a stack as supervisord sees it: its lock, what is left of the dead, the end."""

import atexit
import contextlib
import os
import signal
from pathlib import Path
from typing import Any

from supervisor import events
from supervisor.states import SupervisorStates

from django_tandem.errors import MachineError
from django_tandem.inprocess import drain_window
from django_tandem.runtime import lock, orphans
from django_tandem.runtime.sockets import clean, move_links
from django_tandem.runtime.state import read_state
from django_tandem.runtime.supervisor.children import Children
from django_tandem.runtime.supervisor.ending import Ending
from django_tandem.runtime.supervisor.failure import Failure
from django_tandem.runtime.supervisor.guard import subscribe
from django_tandem.runtime.supervisor.lines import Lines, tell
from django_tandem.runtime.supervisor.recovery import Recovery
from django_tandem.runtime.supervisor.wake import Wake

# What a process that has ended is seen by: on its own, before its time, as it was told to.
ENDED = (
    events.ProcessStateExitedEvent,
    events.ProcessStateBackoffEvent,
    events.ProcessStateStoppedEvent,
)


def make_life(supervisord: Any) -> "Life":
    """Return what follows supervisord's events; it has no method to be called."""
    # The run directory is where supervisord.conf lies.
    return Life(supervisord, Path(supervisord.options.here))


class Life:
    """The life of one running stack, as far as supervisord can't tell it on its own."""

    def __init__(self, supervisord: Any, run_dir: Path) -> None:
        self._supervisord = supervisord
        self._run_dir = run_dir
        # Whoever may enter could put sockets of theirs in the place of ours.
        run_dir.chmod(0o700)
        self._lock = _hold_lock(run_dir)
        _end_orphans(run_dir)
        wake = Wake(supervisord)
        self._children = Children(supervisord, run_dir)
        self._ending = Ending(supervisord, run_dir, wake)
        state = read_state(run_dir)
        if state is not None:
            drain_window.remove(run_dir, state.generation)
            move_links(state, run_dir)
        Lines()
        for ended in ENDED:
            subscribe(ended, self._bury)
        # After the burial, which clears the way for what is started again.
        Recovery(run_dir, wake)
        Failure(supervisord, run_dir)
        subscribe(events.SupervisorRunningEvent, self._take_signals)
        subscribe(events.SupervisorStoppingEvent, self._stop_at_once)
        atexit.register(clean, run_dir)
        atexit.register(orphans.forget, run_dir)
        # Where supervisord itself fails, nobody else would ever stop what it started.
        atexit.register(self._kill_all)

    def _bury(self, event: Any) -> None:
        # The workers of an NGINX that was killed would keep its port, and nobody would ever stop
        # them. Each program leads a process group of its own, and has no pid if it never started.
        if event.process.pid:
            with contextlib.suppress(OSError):
                os.killpg(event.process.pid, signal.SIGKILL)
        self._children.forget(event.process.config.name)
        # Granian, for one, does not start where it finds a socket.
        (self._run_dir / f"{event.process.config.name}.sock").unlink(missing_ok=True)

    def _take_signals(self, _event: Any) -> None:
        # supervisord would start over on SIGHUP, which is what a terminal sends when it closes.
        signal.signal(signal.SIGHUP, self._shut_down)

    def _shut_down(self, *_signal: Any) -> None:
        self._supervisord.options.mood = SupervisorStates.SHUTDOWN

    def _kill_all(self, *_signal: Any) -> None:
        for group in self._supervisord.process_groups.values():
            for process in group.processes.values():
                if process.pid:
                    with contextlib.suppress(OSError):
                        os.killpg(process.pid, signal.SIGKILL)

    def _stop_at_once(self, _event: Any) -> None:
        for again in (signal.SIGINT, signal.SIGTERM):
            signal.signal(again, self._kill_all)
        tell("stopping: what is being answered is finished; once more ends it now")
        self._ending.begin()


def _hold_lock(run_dir: Path) -> int:
    """Take over the lock from `tandem up`, or take it where plain supervisord was started."""
    handle = lock.inherited(run_dir)
    try:
        handle = lock.take(run_dir) if handle is None else handle
    except MachineError as error:
        tell(str(error))
        os._exit(error.exit_code)
    lock.sign(handle)
    return handle


def _end_orphans(run_dir: Path) -> None:
    """End what an earlier supervisord left, where this one was started without `tandem up`."""
    try:
        orphans.end(run_dir, tell)
    except MachineError as error:
        tell(str(error))
        os._exit(error.exit_code)
