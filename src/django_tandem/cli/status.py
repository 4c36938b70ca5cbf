"""Show what runs: each process with its stack, state and age."""

import argparse

from django_tandem.cli import console, handovers
from django_tandem.cli.planning import find_run_dir
from django_tandem.errors import RefusedError
from django_tandem.model import Process, Status
from django_tandem.render.state import State
from django_tandem.runtime import lock, supervisord
from django_tandem.runtime.readiness import ask
from django_tandem.runtime.state import read_state
from django_tandem.served import counts


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--json", action="store_true", help="print it as JSON")


def run(options: argparse.Namespace) -> int:
    """Print the status; 1 when nothing runs, or not all that should."""
    run_dir = find_run_dir(options)
    pid = lock.holder(run_dir)
    state = read_state(run_dir)
    if pid is None or state is None:
        raise RefusedError(f"Nothing runs in {run_dir}.", hint="Start it with `tandem up`.")
    try:
        statuses = supervisord.statuses(run_dir)
    except OSError as error:
        raise RefusedError(
            f"supervisord with pid {pid} does not answer in {run_dir}: it is starting or stopping.",
            hint="Ask again in a moment.",
        ) from error
    known = {process.program: process for process in state.processes}
    rows = [_row(status, known.get(status.name), state) for status in statuses]
    handed = [handovers.row(each) for each in counts.read(run_dir)]
    if options.json:
        told = {"url": state.url, "pid": pid, "run_dir": str(run_dir)}
        console.as_json({**told, "processes": rows, "handed_over": handed})
    else:
        console.table(
            ("PROGRAM", "STACK", "STATE", "PID", "FOR", "WHAT"),
            (tuple(str(cell) for cell in row.values()) for row in rows),
        )
        handovers.show(handed)
        console.line_err(f"{state.url} (supervisord has pid {pid})")
    return 0 if all(row["state"] == "ready" for row in rows) else 1


def _row(status: Status, process: Process | None, state: State) -> dict[str, object]:
    # supervisord calls a process running when it is old enough; what counts is whether it answers.
    is_ready = bool(process and status.pid and ask(process, state))
    return {
        "program": status.name,
        "stack": process.stack.value if process and process.stack else "",
        "state": "ready" if is_ready else status.state.lower(),
        "pid": status.pid or "",
        "for": f"{status.since_s} s",
        "what": process.role if process else "",
    }
