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

from django_tandem.runtime import commit, lock, supervisord
from django_tandem.runtime.connections import held
from django_tandem.runtime.generations import generation_of, to_end, to_start
from django_tandem.runtime.readiness import answers
from django_tandem.runtime.state import read_state
from django_tandem.served import draining

POLL_S = 0.1
# Of the time a generation gets, its server keeps this to end by itself.
SERVER_S = 8


def main(argv: list[str]) -> int:
    """Drain in the directory ``argv[0]`` until all that runs is of the generation that serves."""
    run_dir = Path(argv[0])
    if lock.try_to_take(run_dir, lock.DRAINER) is None:
        return 0
    with contextlib.suppress(ConnectionError, FileNotFoundError):
        # supervisord is on its way down, and ends everything itself.
        drain_all(run_dir)
    return 0


def drain_all(run_dir: Path) -> None:
    """End each program that no longer serves, all at once, and start what waited for that."""
    begun: dict[str, threading.Thread] = {}
    while True:
        if not _is_reloading(run_dir):
            commit.finish(run_dir)
        state = read_state(run_dir)
        running = {each.name for each in supervisord.statuses(run_dir)}
        if state is None:
            return
        ending = to_end(state, running, is_reloading=_is_reloading(run_dir))
        for program in ending:
            if program not in begun or not begun[program].is_alive():
                begun[program] = _begin(run_dir, program, state.drain_s)
        starting = to_start(state, running)
        supervisord.start(run_dir, starting)
        if not ending and not starting:
            _forget(run_dir, state.generation)
            return
        time.sleep(POLL_S)


def drain(run_dir: Path, program: str, drain_s: float) -> None:
    """
    End one program: what its socket still holds is accepted and finished, within ``drain_s``.

    New connections no longer come, since its link has moved. A request of our own goes
    through after all that came before, so that once it is answered nothing waits.
    """
    until = time.monotonic() + drain_s
    path = run_dir / f"{program}.sock"
    while path.exists() and time.monotonic() < until and not answers(path):
        time.sleep(POLL_S)
    generation = generation_of(program)
    if generation and draining.window_s(run_dir, generation) is None:
        draining.announce(run_dir, generation, max(0, until - time.monotonic()))
    while held(path) and time.monotonic() < until:
        time.sleep(POLL_S)
    grace_s = SERVER_S if path.exists() else max(SERVER_S, drain_s)
    while not supervisord.end(run_dir, program, int(grace_s)):
        time.sleep(POLL_S)


def _begin(run_dir: Path, program: str, drain_s: float) -> threading.Thread:
    def work() -> None:
        with contextlib.suppress(ConnectionError, FileNotFoundError):
            drain(run_dir, program, drain_s)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def _is_reloading(run_dir: Path) -> bool:
    return lock.holder(run_dir, lock.RELOAD) is not None


def _forget(run_dir: Path, serving: int) -> None:
    commit.forget_logs(run_dir, serving)
    for generation in range(1, serving):
        draining.forget(run_dir, generation)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
