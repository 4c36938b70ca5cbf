"""
Ends what no longer serves: ``python -m django_tandem.runtime.drainer RUN_DIR``.

Started by the plugin inside supervisord after each reload, or where one was killed on its way.
What it does follows from the state and from what runs, so that another may go on where it ended.
"""

import contextlib
import sys
import threading
import time
from pathlib import Path

from django_tandem.errors import MachineError
from django_tandem.inprocess import drain_window
from django_tandem.model import Stack
from django_tandem.render.state import State
from django_tandem.runtime import commit, lock, logs, supervisord
from django_tandem.runtime.connections import Looks
from django_tandem.runtime.generations import generation_of
from django_tandem.runtime.questions import answers
from django_tandem.runtime.standing import look

# Each time supervisord is asked, and the kernel's table of sockets is read.
LOOK_S = 0.1
# Of the time a generation gets, its server keeps this to end by itself.
SERVER_S = 8


def main(argv: list[str]) -> int:
    """Drain in the directory ``argv[0]`` until all that runs is of the generation that serves."""
    run_dir = Path(argv[0])
    if lock.try_to_take(run_dir, lock.DRAINER) is None:
        return 0
    with contextlib.suppress(ConnectionError, FileNotFoundError, MachineError):
        # supervisord is on its way down, and ends everything itself.
        drain_all(run_dir)
    return 0


def drain_all(run_dir: Path) -> None:
    """End each program that no longer serves, all at once, and start what waited for that."""
    begun: dict[str, threading.Thread] = {}
    looks = Looks()
    while True:
        _settle(run_dir)
        now = look(run_dir)
        if now is None:
            return
        for program in now.ending:
            if program not in begun or not begun[program].is_alive():
                begun[program] = _begin(run_dir, program, now.state, looks)
        # One that is rendered nowhere can't be started, however often it is asked for.
        unknown = now.starting and not supervisord.start(run_dir, now.starting)
        if not now.ending and (not now.starting or unknown):
            logs.forget(run_dir, now.state.generation)
            drain_window.remove_all_but(run_dir, {generation_of(name) for name in now.running})
            return
        looks.take()
        time.sleep(LOOK_S)


def drain(run_dir: Path, program: str, state: State, looks: Looks) -> None:
    """
    End one program: what its socket still holds is accepted and finished, in the time it has.

    New connections no longer come, since its link has moved. A request of our own goes
    through after all that came before, so that once it is answered nothing waits.
    """
    stack, generation = program.rpartition("-")[0], generation_of(program)
    # A candidate that was left behind has never been asked by anybody.
    is_asked = stack in set(Stack) and 0 < generation < state.generation
    if is_asked:
        # A request that is being worked on may take as long as any.
        whole_s = max(state.drain_s, state.timeout_s) if stack == Stack.WSGI else state.drain_s
        _empty_queue(run_dir, program, until := time.monotonic() + whole_s)
        _announce(run_dir, program, until, state.drain_s)
        _wait_until_idle(run_dir, program, until, looks)
    grace_s = SERVER_S if stack in set(Stack) else max(SERVER_S, state.drain_s)
    supervisord.wait_for_end(run_dir, program, grace_s)


def _empty_queue(run_dir: Path, program: str, until: float) -> None:
    path = _socket(run_dir, program)
    while path.exists() and time.monotonic() < until and not answers(path):
        time.sleep(LOOK_S)


def _announce(run_dir: Path, program: str, until: float, window_s: float) -> None:
    generation = generation_of(program)
    if drain_window.window_s(run_dir, generation) is None:
        drain_window.start_drain(
            run_dir, generation, min(window_s, max(0, until - time.monotonic()))
        )


def _wait_until_idle(run_dir: Path, program: str, until: float, looks: Looks) -> None:
    path = _socket(run_dir, program)
    while path.exists() and time.monotonic() < until and looks.next(path, until) != 0:
        pass


def _socket(run_dir: Path, program: str) -> Path:
    return run_dir / f"{program}.sock"


def _begin(run_dir: Path, program: str, state: State, looks: Looks) -> threading.Thread:
    def work() -> None:
        with contextlib.suppress(ConnectionError, FileNotFoundError):
            drain(run_dir, program, state, looks)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def _settle(run_dir: Path) -> None:
    """Do what a killed reload has left undone; one that is alive does it itself."""
    if not (commit.is_proposed(run_dir) or commit.is_unfinished(run_dir)):
        return
    handle = lock.try_to_take(run_dir, lock.RELOAD)
    if handle is not None:
        try:
            commit.settle(run_dir)
        finally:
            lock.release(handle)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
