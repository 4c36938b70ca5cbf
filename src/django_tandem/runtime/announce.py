"""
Report what was started, on which stack, and when it is ready.

In the foreground this runs beside supervisord, which has replaced the command's own process:
``python -m django_tandem.runtime.announce RUN_DIR``.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path

from django_tandem.render.state import State
from django_tandem.runtime.health import Failed, format_failure, wait_for_start
from django_tandem.runtime.progress import report
from django_tandem.runtime.state import READY_FILE, read_state


def announce(state: State, run_dir: Path, is_alive: Callable[[], bool]) -> bool:
    """
    Print each process to stderr as it becomes healthy; return whether all did.

    ``is_alive`` returns whether supervisord still runs.
    """
    for result in wait_for_start(state, run_dir, is_alive):
        if isinstance(result, Failed):
            report(format_failure(result, run_dir))
            return False
        process = result.process
        stack = process.stack.value.upper() if process.stack else ""
        report(f"{process.program:<10} {stack:<5} {process.description}: {result.reason}")
    (run_dir / READY_FILE).touch()
    report(f"Ready: {state.url}")
    return True


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
        # A terminal sends Ctrl-C to supervisord too, which reports the stop.
        return 0
    return 0 if ready else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
