"""
The client of a running supervisord: its XML-RPC methods, and its stop.

The methods ``tandem.…`` are those of our plugin, in supervisor/generations_rpc.py.
"""

import contextlib
import signal
import time
from collections.abc import Iterator, Sequence
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from xmlrpc.client import Error, Fault, ServerProxy, Transport

from django_tandem.errors import MachineError, RefusedError
from django_tandem.model import DrainMode, Status
from django_tandem.runtime import lock
from django_tandem.runtime.identity import ProcessIdentity, send_signal
from django_tandem.runtime.waiting import pause, wait_until
from django_tandem.unix_http import UnixConnection

# In the run directory, while supervisord's loop runs.
SOCKET = "supervisor.sock"
# supervisord answers within its loop; one that takes longer than this hangs.
ANSWER_S = 10
# SIGKILL takes effect as soon as the kernel schedules the process.
KILLED_S = 5
# supervisord.conf names this user; who may open the socket is its mode's to decide.
PROXY = "http://tandem:tandem@localhost"
# supervisor.xmlrpc.Faults; that module imports supervisor's web server, for each short command.
UNKNOWN_METHOD, SHUTDOWN_STATE = 1, 6


class GoneError(ConnectionError):
    """supervisord is stopping, or does not answer."""


class StoppingError(GoneError):
    """supervisord answers that it is stopping."""


class _Transport(Transport):
    """The transport of one request; supervisord may have acted on one that it did not answer."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: Any) -> HTTPConnection:
        """Return a connection to the socket, for a request with the user of ``host``."""
        _, self._extra_headers, _ = self.get_host_info(host)
        connection = UnixConnection(self._path, timeout_s=ANSWER_S)
        self._connection = host, connection
        return connection

    # Without the repetition of the class above.
    request = Transport.single_request


def statuses(run_dir: Path) -> tuple[Status, ...]:
    """Return the status of each program; raises OSError when supervisord does not answer."""
    listed = _call(run_dir, "supervisor.getAllProcessInfo")
    now = time.time()
    return tuple(
        Status(
            name=each["name"],
            state=each["statename"],
            pid=each["pid"],
            since_s=max(0, int(now - each["start"])) if each["pid"] else 0,
            detail=each["spawnerr"],
        )
        for each in listed
    )


def is_stopping(run_dir: Path) -> bool:
    """Return whether supervisord runs and is stopping."""
    try:
        statuses(run_dir)
    except StoppingError:
        return True
    except OSError:
        return False
    return False


def restarts(run_dir: Path) -> dict[str, int]:
    """Return how often each program was restarted, without those that never were."""
    return dict(_call(run_dir, "tandem.restarts"))


def start(run_dir: Path, programs: Sequence[str]) -> bool:
    """Start programs; return whether each of them was found in a rendered file."""
    return bool(_call(run_dir, "tandem.start", list(programs)))


def begin_stop(run_dir: Path, program: str, within_s: int) -> bool:
    """Stop a program, with SIGKILL after ``within_s``, 0 its own; return whether it has ended."""
    return bool(_call(run_dir, "tandem.end", program, within_s))


def drain_at_stop(run_dir: Path, mode: DrainMode) -> None:
    """Have the next stop end connections in this mode; raises GoneError if none answers."""
    holder = lock.holder_identity(run_dir)
    if holder is not None:
        _continue(holder)
    _call(run_dir, "tandem.drain_at_stop", mode.value)


def ready(run_dir: Path) -> None:
    """Have supervisord notify systemd, if that started it, that the stack is ready."""
    _notify(run_dir, "tandem.ready")


@contextlib.contextmanager
def notifying_of_reload(run_dir: Path) -> Iterator[None]:
    """Have supervisord notify systemd of the reload that the block is."""
    _notify(run_dir, "tandem.begin_reload")
    try:
        yield
    finally:
        _notify(run_dir, "tandem.end_reload")


def _notify(run_dir: Path, method: str) -> None:
    # supervisord may be stopping, or be that of a version without this method.
    with contextlib.suppress(GoneError, MachineError):
        _call(run_dir, method)


def give_up(run_dir: Path, program: str, because: str) -> None:
    """Stop the whole stack, with exit code 1, since ``program`` failed to start."""
    _call(run_dir, "tandem.give_up", program, because)


def stop_program(run_dir: Path, program: str, within_s: int) -> None:
    """Stop and remove a program, and return when that is done."""
    began = time.monotonic()
    while not begin_stop(run_dir, program, within_s):
        pause(began)


def refresh(run_dir: Path) -> None:
    """Have programs that a reload does not replace use their new command at their next start."""
    _call(run_dir, "tandem.refresh")


def start_drainer(run_dir: Path) -> None:
    """Have supervisord drain the old generations, in another process."""
    _call(run_dir, "tandem.start_drainer")


def start_shifter(run_dir: Path) -> None:
    """Have supervisord watch the shifts, in another process."""
    _call(run_dir, "tandem.start_shifter")


def signal_program(run_dir: Path, program: str, name: str) -> None:
    """Send a program the signal of that name."""
    _call(run_dir, "supervisor.signalProcess", program, name)


def pid_of(run_dir: Path, program: str) -> int | None:
    """Return the pid of a program, None when it does not run."""
    found = (each.pid for each in statuses(run_dir) if each.name == program)
    return next(found, 0) or None


def stop_stack(run_dir: Path, *, deadline_s: float, started: ProcessIdentity | None = None) -> bool:
    """
    Have supervisord stop everything, and wait until it has ended.

    ``started`` is the supervisord that the caller started itself; by default it is the lock's
    holder, whose identity must be verified before a signal is sent.

    Returns False when it had to be killed, which leaves its children to the kernel. Raises
    RefusedError when it did not end, and its pid can't be verified on this host.
    """
    holder = started or lock.holder_identity(run_dir)
    if holder is None:
        return True
    if not send_signal(holder, signal.SIGTERM):
        # The process 1 of a container, or of another PID namespace: only its socket leads there.
        try:
            _call(run_dir, "supervisor.shutdown")
        except GoneError as error:
            raise _out_of_reach(run_dir, holder) from error
    _continue(holder)
    if wait_until(lambda: lock.holder(run_dir) is None, deadline_s):
        return True
    if not send_signal(holder, signal.SIGKILL):
        raise _out_of_reach(run_dir, holder)
    if not wait_until(lambda: lock.holder(run_dir) is None, KILLED_S):
        raise RefusedError(
            f"supervisord with pid {holder.pid} did not end in time and can't be killed.",
            hint="Its process may be stopped or frozen: end it, or the container that it is in.",
        )
    return False


def _continue(supervisord: ProcessIdentity) -> None:
    # One that a debugger or Ctrl-Z has stopped handles nothing until it continues.
    send_signal(supervisord, signal.SIGCONT)


def _out_of_reach(run_dir: Path, holder: ProcessIdentity) -> RefusedError:
    if holder.is_verified:
        return RefusedError(
            f"supervisord does not answer in {run_dir}, and is process 1 of this container.",
            hint="The container runtime alone can end it: stop the container.",
        )
    return RefusedError(
        f"supervisord does not answer in {run_dir}, and its pid can't be verified on this host.",
        hint="It may run in another container: stop it there.",
    )


def _call(run_dir: Path, method: str, *arguments: object) -> Any:
    transport = _Transport(run_dir / SOCKET)
    try:
        return getattr(ServerProxy(PROXY, transport=transport), method)(*arguments)
    except Fault as fault:
        if fault.faultCode == UNKNOWN_METHOD:
            raise MachineError(
                "The running stack was started by another version of tandem.",
                hint="Stop it with `tandem down`, and start it with `tandem up`.",
            ) from fault
        kind = StoppingError if fault.faultCode == SHUTDOWN_STATE else GoneError
        raise kind(f"supervisord refuses: {fault.faultString}") from fault
    except (Error, HTTPException, OSError) as error:
        # While it stops, it closes the connection.
        raise GoneError("supervisord does not answer") from error
    finally:
        transport.close()
