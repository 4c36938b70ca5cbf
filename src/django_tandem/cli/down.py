"""Stop everything that runs."""

import argparse
import contextlib
from pathlib import Path

from django_tandem.cli import console
from django_tandem.cli.argument_types import drain_mode
from django_tandem.cli.run_dirs import add_run_dir_argument, find_running_dir
from django_tandem.errors import MachineError, RefusedError
from django_tandem.model.state import STOPPING_FILE, State
from django_tandem.model.stop import command_s, end_s
from django_tandem.runtime import lock, orphans, supervisord, unsupervised
from django_tandem.runtime.connections import count_open
from django_tandem.runtime.links import are_bound
from django_tandem.runtime.run_dir import remove_leftovers
from django_tandem.runtime.state import nothing_runs, read_state, read_stop_s
from django_tandem.runtime.supervisord import GoneError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_run_dir_argument(parser)
    parser.add_argument(
        "--drain",
        metavar="MODE",
        type=drain_mode,
        help="how WebSockets and streams end, spread or wait, instead of TANDEM's DRAIN",
    )


def run(options: argparse.Namespace) -> int:
    """Stop the stack; 1 when none runs, or when it had to be killed."""
    run_dir = find_running_dir(options)
    pid = lock.holder(run_dir)
    if pid is None:
        if not _end_orphans(run_dir):
            raise nothing_runs(run_dir)
        console.line_err("Stopped.")
        return 0
    state = _state(run_dir)
    if state is not None and not state.is_supervised:
        _stop_unsupervised(options, run_dir, state)
        return 0
    if options.drain:
        # One that stops already, or does not answer, is stopped as well.
        with contextlib.suppress(GoneError):
            supervisord.drain_at_stop(run_dir, options.drain)
    if ahead := wait_ahead(run_dir):
        console.line_err(ahead)
    # supervisord kills late programs itself.
    if supervisord.stop_stack(run_dir, deadline_s=command_s(read_stop_s(run_dir))):
        console.line_err("Stopped.")
        return 0
    _end_orphans(run_dir)
    raise RefusedError(
        f"supervisord with pid {pid} did not end in time and was killed.",
        hint=f"All its programs have ended too. Its log is {run_dir / 'supervisord.log'}.",
    )


def _stop_unsupervised(options: argparse.Namespace, run_dir: Path, state: State) -> None:
    unsupervised.refuse_drain(options.drain)
    unsupervised.stop_program(run_dir, state, deadline_s=command_s(state.stop_s))
    console.line_err("Stopped.")


def _state(run_dir: Path) -> State | None:
    try:
        return read_state(run_dir)
    except MachineError:
        return None


def wait_ahead(run_dir: Path) -> str:
    """Return what a stop that takes longer than a moment waits for; empty if it does not."""
    state = _state(run_dir)
    if state is None:
        return ""
    parts = []
    # One that stops already has spent a part of its delay.
    if state.stop_delay_s and are_bound(run_dir) and not (run_dir / STOPPING_FILE).exists():
        parts.append(f"still serves for {state.stop_delay_s} s")
    if connections := count_open(run_dir):
        parts.append(f"waits for {console.counted(connections, 'connection')}")
    bound = f"Stopping takes {end_s(state.stop_s):.0f} s at most"
    return f"{bound}: the stack {' and then '.join(parts)}." if parts else ""


def _end_orphans(run_dir: Path) -> bool:
    # Under the lock, so that nothing is started at the same time; without one, nothing ever ran.
    handle = lock.try_to_take(run_dir, lock.NAME) if (run_dir / lock.NAME).exists() else None
    if handle is None:
        return False
    try:
        found = orphans.end_orphans(run_dir, console.line_err)
        remove_leftovers(run_dir)
    finally:
        lock.release(handle)
    return found
