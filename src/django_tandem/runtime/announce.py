"""
Report what was started, on which stack, and when it is ready.

In the foreground this is a second process, as supervisord has replaced the command's own:
``python -m django_tandem.runtime.announce RUN_DIR TIMEOUT_S``. A stack that does not become healthy
is stopped, with exit code 1, on which a service manager can start it again.
"""

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from django_tandem.errors import RefusedError
from django_tandem.model import LogFormat, WorkerKind
from django_tandem.model.readiness import MIGRATIONS_UNREAD
from django_tandem.model.state import STOPPING_FILE, State
from django_tandem.runtime import supervisord
from django_tandem.runtime.health import ANSWERS, RUNS
from django_tandem.runtime.health_gate import Failed, Healthy, format_failure, wait_for_start
from django_tandem.runtime.line_blocks import ERROR
from django_tandem.runtime.probes import client
from django_tandem.runtime.state import READY_FILE, read_state
from django_tandem.runtime.waiting import POLL_S, Deadline, report_as, wait_until

# supervisord answers once it has started all programs.
GIVE_UP_S = 30
# How long the database may take to answer which migrations are applied.
MIGRATIONS_S = 3


def announce(
    state: State,
    run_dir: Path,
    is_alive: Callable[[], bool],
    timeout_s: float,
    log_format: LogFormat = LogFormat.TEXT,
) -> Failed | None:
    """
    Report each process as it becomes healthy; return the one that failed, if any.

    A stack that is stopped meanwhile is not reported as ready.
    """
    report = report_as(log_format)
    for result in wait_for_start(state, run_dir, is_alive, timeout_s):
        if isinstance(result, Failed):
            report_as(log_format, ERROR)(format_failure(result, run_dir))
            return result
        for line in _lines(result):
            report(line)
    if mark_ready(run_dir):
        for line in _addresses(state):
            report(line)
        supervisord.ready(run_dir)
        unapplied = _unapplied(run_dir) if state.checks_migrations else ""
        started = "Started" if unapplied else "Ready"
        report(f"{started}: {state.url}" if state.url else f"{started}.")
        if unapplied:
            report(f"Not ready: {unapplied}")
    return None


def _addresses(state: State) -> Iterator[str]:
    """Yield where the probes and the metrics are answered in addition to the run directory."""
    for name, binds, path in (
        ("Probes", state.health, "/readyz"),
        ("Metrics", state.metrics, "/metrics"),
    ):
        if binds:
            yield f"{name}: http://{binds[0]}{path}"


def _unapplied(run_dir: Path) -> str:
    """Return why /readyz fails if that is for migrations; a database may not answer at once."""
    deadline = Deadline(MIGRATIONS_S)
    while True:
        try:
            failures = client.failures(run_dir, "/readyz")
        except RefusedError:
            return ""
        found = next((each for each in failures if each.startswith("migrations: ")), "")
        if not found.endswith(MIGRATIONS_UNREAD) or deadline.is_over:
            return found
        time.sleep(POLL_S)


def mark_ready(run_dir: Path) -> bool:
    """Create the file that says a stack is ready, unless its stop has begun; return whether."""
    file = run_dir / READY_FILE
    file.touch()
    # Only then: a stop that begins from now on removes the file.
    if _is_stopped(run_dir):
        file.unlink(missing_ok=True)
        return False
    return True


def _is_stopped(run_dir: Path) -> bool:
    # supervisord removes its socket before the plugin removes the file.
    return (run_dir / STOPPING_FILE).exists() or not (run_dir / supervisord.SOCKET).exists()


def _lines(healthy: Healthy) -> list[str]:
    process = healthy.process
    return [
        f"{process.name_of(kind):<10} {(kind.stack or '').upper():<5} "
        f"{kind.description}: {_how(kind)}"
        for kind in process.kinds
    ] or [f"{process.program:<10} {'':<5} {process.description}: {healthy.reason}"]


def _how(kind: WorkerKind) -> str:
    if kind.socket:
        return ANSWERS
    return f"answers on {kind.bind}" if kind.bind else RUNS


def _stop(run_dir: Path, program: str, reason: str, supervisord_pid: int) -> None:
    """Have supervisord stop the stack; after an early failure it may not answer yet."""

    def has_taken_it() -> bool:
        # It is being stopped already.
        if os.getppid() != supervisord_pid:
            return True
        try:
            supervisord.give_up(run_dir, program, reason)
        except supervisord.GoneError:
            return False
        return True

    wait_until(has_taken_it, GIVE_UP_S)


def main(argv: list[str]) -> int:
    """Announce the stack in the directory ``argv[0]``, which has ``argv[1]`` seconds."""
    run_dir, timeout_s = Path(argv[0]), float(argv[1])
    state = read_state(run_dir)
    supervisord_pid = os.getppid()
    if state is None:
        return 1
    try:
        failed = announce(
            state,
            run_dir,
            lambda: os.getppid() == supervisord_pid,
            timeout_s,
            state.log_format,
        )
        if failed is not None and failed.process is not None:
            _stop(run_dir, failed.process.program, failed.reason, supervisord_pid)
    except KeyboardInterrupt:
        # A terminal sends Ctrl-C to supervisord too, which reports the stop.
        return 0
    return 0 if failed is None else 1


if __name__ == "__main__":
    # Python would first destroy each object, which takes a quarter of this process's CPU time.
    os._exit(main(sys.argv[1:]))
