"""A topology that runs in a temporary directory: start, failures, stop."""

import http.client
import os
import socket
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from django_tandem import output
from django_tandem.bench.topology import Setup, Topology
from django_tandem.errors import RefusedError
from django_tandem.model import Bind, Plan, programs
from django_tandem.model.programs import log_names
from django_tandem.model.state import planned_state
from django_tandem.runtime import start, supervisord
from django_tandem.runtime.health import has_no_check
from django_tandem.runtime.health_gate import (
    START_DEADLINE_S,
    Failed,
    format_failure,
    wait_for_start,
)
from django_tandem.runtime.identity import identify
from django_tandem.runtime.logs import last_lines
from django_tandem.runtime.state import FAILED_FILE
from django_tandem.runtime.usage import total_usage, usage_of

POLL_S = 0.05
STOP_S = 30
REQUEST_TIMEOUT_S = 10
# Idle: less than this share of a CPU for so long.
IDLE_SHARE, IDLE_S, IDLE_DEADLINE_S = 0.1, 0.4, 60
# The last lines of a traceback have its reason.
LAST_LINES = 3
# The programs whose resources count. All others cost each topology the same.
MEASURED = (*programs.KINDS, programs.MASTER, programs.NGINX, "server")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningTopology:
    """A running topology: its URL, and the processes whose resources count."""

    url: str
    what: str
    setup: Setup
    run_dir: Path
    supervisord: subprocess.Popen[bytes]

    @property
    def server_pids(self) -> list[int]:
        """The pids of its servers, each of which may have child processes."""
        try:
            listed = supervisord.statuses(self.run_dir)
        except supervisord.GoneError as error:
            raise RefusedError(_why(self.run_dir), hint="It ended during the session.") from error
        return [each.pid for each in listed if each.pid and is_server(each.name)]

    def exits(self) -> str:
        """Return which of its programs exited since the start, as a sentence; empty for none."""
        try:
            exited = Counter(supervisord.restarts(self.run_dir))
            listed = supervisord.statuses(self.run_dir)
        except supervisord.GoneError:
            return _why(self.run_dir)
        # A program without a pid has exited too, and is not restarted yet.
        exited.update(each.name for each in listed if not each.pid and is_server(each.name))
        return " ".join(f"{name} exited {_times(times)}." for name, times in exited.items())


@contextmanager
def running(topology: Topology) -> Iterator[RunningTopology]:
    """Run a topology for the length of the block; raises TandemError when it does not start."""
    # TMPDIR may be too long for the path of a socket.
    with tempfile.TemporaryDirectory(
        prefix="tandem-bench-", dir="/tmp", ignore_cleanup_errors=True
    ) as scratch:
        run_dir = Path(scratch)
        setup = topology.make(run_dir, free_address())
        handle = start.prepare(setup.plan, setup.settings)
        output.write(setup.files, run_dir)
        started = start.launched(run_dir, handle, os.environ | dict(topology.environment))
        try:
            _wait(setup.plan, run_dir, started)
            yield RunningTopology(
                url=f"http://{setup.plan.edge.binds[0]}",
                what=_summary(setup),
                setup=setup,
                run_dir=run_dir,
                supervisord=started,
            )
        finally:
            _stop(run_dir, started)


def free_address() -> str:
    """Return a loopback address whose port is free."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


def _stop(run_dir: Path, started: subprocess.Popen[bytes]) -> None:
    try:
        supervisord.stop_stack(run_dir, deadline_s=STOP_S, started=identify(started.pid))
        started.wait(STOP_S)
    except KeyboardInterrupt:
        # A second Ctrl-C must not leave the topology running.
        _stop(run_dir, started)
        raise


def _wait(plan: Plan, run_dir: Path, started: subprocess.Popen[bytes]) -> None:
    state = planned_state(plan)
    checked = tuple(process for process in plan.processes if not has_no_check(process))

    def is_alive() -> bool:
        return started.poll() is None

    for result in wait_for_start(replace(state, processes=checked), run_dir, is_alive):
        if isinstance(result, Failed):
            raise _start_error(format_failure(result, run_dir))
    until = time.monotonic() + START_DEADLINE_S
    while not _responds(plan.edge.binds[0]):
        if not is_alive() or (run_dir / FAILED_FILE).exists():
            raise _start_error(_why(run_dir))
        if time.monotonic() > until:
            last = [
                line
                for process in plan.processes
                for log in process.logs
                for line in last_lines(run_dir, log, LAST_LINES)
            ]
            raise _start_error("\n".join([f"No response within {START_DEADLINE_S} s.", *last]))
        time.sleep(POLL_S)
    _wait_until_idle(started)


def _why(run_dir: Path) -> str:
    try:
        name, because = (run_dir / FAILED_FILE).read_text().split("\n", 1)
    except FileNotFoundError:
        return "Its supervisor ended."
    lines = [line for log in log_names(name) for line in last_lines(run_dir, log, LAST_LINES)]
    return "\n".join([f"{name}: {because}.", *lines])


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _start_error(why: str) -> RefusedError:
    return RefusedError(why, hint="Start it alone to see all of its output.")


def _responds(bind: Bind) -> bool:
    # Any status will do: some servers listen long before they have loaded the project.
    connection = http.client.HTTPConnection(bind.host, bind.port, timeout=REQUEST_TIMEOUT_S)
    try:
        connection.request("GET", "/")
        connection.getresponse()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True


def _wait_until_idle(started: subprocess.Popen[bytes]) -> None:
    # The first worker responds while the others still load the project.
    until = time.monotonic() + IDLE_DEADLINE_S
    before = _cpu_s(started.pid)
    while time.monotonic() < until:
        time.sleep(IDLE_S)
        now = _cpu_s(started.pid)
        if now - before < IDLE_SHARE * IDLE_S:
            return
        before = now


def _cpu_s(root: int) -> float:
    return total_usage(map(usage_of, psutil.Process(root).children(recursive=True))).cpu_s


def _summary(setup: Setup) -> str:
    served = [process for process in setup.plan.processes if is_server(process.name)]
    return "; ".join(part.description for each in served for part in each.kinds or (each,))


def is_server(program: str) -> bool:
    """Return whether a program of a plan serves requests, so that its resources count."""
    return program in MEASURED or program.rpartition("-")[0] in MEASURED
