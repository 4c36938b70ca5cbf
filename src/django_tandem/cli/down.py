"""Stop everything that runs."""

import argparse

from django_tandem.cli import console
from django_tandem.cli.planning import find_run_dir
from django_tandem.errors import RefusedError
from django_tandem.runtime import lock, supervisord
from django_tandem.runtime.sockets import clean
from django_tandem.runtime.state import read_state


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare no options."""


def run(options: argparse.Namespace) -> int:
    """Stop the stack; 1 when none runs, or when it had to be killed."""
    run_dir = find_run_dir(options)
    pid = lock.holder(run_dir)
    if pid is None:
        raise RefusedError(f"Nothing runs in {run_dir}.", hint="Start it with `tandem up`.")
    state = read_state(run_dir)
    longest_s = max((process.stop_s for process in state.processes), default=10) if state else 10
    # supervisord kills what is late itself, at most once for each place in the order of stops.
    if supervisord.stop(run_dir, pid, deadline_s=2 * longest_s + 5):
        console.line_err("Stopped.")
        return 0
    clean(run_dir)
    raise RefusedError(
        f"supervisord with pid {pid} did not end in time and was killed.",
        hint="Look for what it had started with `ps`, and end it by hand.",
    )
