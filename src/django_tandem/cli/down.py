"""Stop everything that runs."""

import argparse
from pathlib import Path

from django_tandem.cli import console
from django_tandem.cli.run_dirs import add_run_dir_argument, find_running_dir
from django_tandem.errors import RefusedError
from django_tandem.runtime import lock, orphans, supervisord
from django_tandem.runtime.sockets import clean

# What each program gets, and a little more.
STOP_S = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_run_dir_argument(parser)


def run(options: argparse.Namespace) -> int:
    """Stop the stack; 1 when none runs, or when it had to be killed."""
    run_dir = find_running_dir(options)
    pid = lock.holder(run_dir)
    if pid is None:
        if not _end_orphans(run_dir):
            raise RefusedError(f"Nothing runs in {run_dir}.", hint="Start it with `tandem up`.")
        console.line_err("Stopped.")
        return 0
    # supervisord kills late programs itself, at most once for each priority.
    if supervisord.stop(run_dir, deadline_s=2 * STOP_S + 5):
        console.line_err("Stopped.")
        return 0
    _end_orphans(run_dir)
    raise RefusedError(
        f"supervisord with pid {pid} did not end in time and was killed.",
        hint=f"All its programs have ended too. Its log is {run_dir / 'supervisord.log'}.",
    )


def _end_orphans(run_dir: Path) -> bool:
    # Under the lock, so that nothing is started at the same time; without one, nothing ever ran.
    handle = lock.try_to_take(run_dir, lock.NAME) if (run_dir / lock.NAME).exists() else None
    if handle is None:
        return False
    try:
        found = orphans.end(run_dir, console.line_err)
        clean(run_dir)
    finally:
        lock.release(handle)
    return found
