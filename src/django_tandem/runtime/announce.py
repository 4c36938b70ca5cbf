"""
Say what was started, on which stack, and why it is ready.

In the foreground this runs beside supervisord, which has taken the command's own place:
``python -m django_tandem.runtime.announce RUN_DIR``.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path

from django_tandem.inprocess import startup_failures
from django_tandem.model import Process
from django_tandem.render.state import State
from django_tandem.runtime.logs import last_lines
from django_tandem.runtime.readiness import Dead, watch
from django_tandem.runtime.sockets import PROVED
from django_tandem.runtime.state import read_state
from django_tandem.runtime.telling import say

LINES = 20


def announce(state: State, run_dir: Path, is_alive: Callable[[], bool]) -> bool:
    """
    Print each process to stderr as it becomes ready; return whether all did.

    ``is_alive`` tells whether supervisord still runs.
    """
    for news in watch(state, run_dir, is_alive):
        if isinstance(news, Dead):
            say(obituary(news, run_dir))
            return False
        stack = news.process.stack.value.upper() if news.process.stack else ""
        say(f"{news.process.program:<10} {stack:<5} {news.process.description}: {news.because}")
    (run_dir / PROVED).touch()
    say(f"Ready: {state.url}")
    return True


def obituary(dead: Dead, run_dir: Path) -> str:
    """Tell what was given up and why, with its last lines."""
    if dead.process is None:
        return f"Not started: {dead.because}."
    lines = [f"  {line}" for line in _lines(dead.process, run_dir)]
    told = f"{dead.process.program} can't be started: {dead.because}."
    return "\n".join([f"{told} Its last lines:", *lines]) if lines else told


def _lines(process: Process, run_dir: Path) -> list[str]:
    # What it could not load the project for is not in its log yet, perhaps.
    failure = startup_failures.read_startup_failure(run_dir, process.program).splitlines()
    return failure[-LINES:] or last_lines(run_dir, process.program, LINES)


def main(argv: list[str]) -> int:
    """Announce what runs in the directory ``argv[0]``."""
    run_dir = Path(argv[0])
    state = read_state(run_dir)
    supervisord_pid = os.getppid()
    if state is None:
        return 1
    try:
        ready = announce(state, run_dir, lambda: os.getppid() == supervisord_pid)
    except KeyboardInterrupt:
        # A terminal's Ctrl-C comes to supervisord too, which says what there is to say.
        return 0
    return 0 if ready else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
