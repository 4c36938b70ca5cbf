"""A running supervisord: what it is asked over XML-RPC, and how it is stopped."""

import signal
import time
from collections.abc import Callable, Sequence
from http.client import HTTPException
from pathlib import Path
from typing import Any
from xmlrpc.client import Error, Fault, ServerProxy

from supervisor.xmlrpc import Faults, SupervisorTransport

from django_tandem.errors import MachineError, RefusedError
from django_tandem.model import Status
from django_tandem.runtime import lock
from django_tandem.runtime.identity import ProcessIdentity, send_signal
from django_tandem.runtime.progress import POLL_S, wait_until

# supervisord answers between two looks at its programs; more than this it is stuck.
ANSWER_S = 10
# What is killed is gone as soon as the kernel comes round to it.
KILLED_S = 5


class GoneError(ConnectionError):
    """supervisord is on its way down, or does not answer."""


class _Transport(SupervisorTransport):  # type: ignore[misc]
    """supervisor's own way to its socket, which does not wait for ever."""

    def __init__(self, *args: str) -> None:
        super().__init__(*args)
        connect: Callable[[], Any] = vars(self)["_get_connection"]

        def connect_in_time() -> Any:
            connection = connect()
            connection.connect()
            connection.sock.settimeout(ANSWER_S)
            return connection

        self._get_connection = connect_in_time


def statuses(run_dir: Path) -> tuple[Status, ...]:
    """Ask supervisord for each of its processes; raises OSError when it does not answer."""
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


def restarts(run_dir: Path) -> dict[str, int]:
    """Ask how often each program died and was started again; those are left out that never did."""
    return dict(_call(run_dir, "tandem.restarts"))


def start(run_dir: Path, programs: Sequence[str]) -> bool:
    """Have supervisord start programs, and return whether it found how each was rendered."""
    return bool(_call(run_dir, "tandem.start", list(programs)))


def end(run_dir: Path, program: str, within_s: int) -> bool:
    """Have a program stopped, which is killed after ``within_s``; return whether it has ended."""
    return bool(_call(run_dir, "tandem.end", program, within_s))


def give_up(run_dir: Path, program: str, because: str) -> None:
    """Have the whole stack stopped, with exit code 1, since ``program`` does not come up."""
    _call(run_dir, "tandem.give_up", program, because)


def wait_for_end(run_dir: Path, program: str, within_s: int) -> None:
    """Have a program stopped and forgotten, and return when it is."""
    while not end(run_dir, program, within_s):
        time.sleep(POLL_S)


def refresh(run_dir: Path) -> None:
    """Have programs that a reload does not replace use their new command at their next start."""
    _call(run_dir, "tandem.refresh")


def drain(run_dir: Path) -> None:
    """Have supervisord drain the old generations, in another process."""
    _call(run_dir, "tandem.drain")


def signal_program(run_dir: Path, program: str, name: str) -> None:
    """Send a program the signal of that name."""
    _call(run_dir, "supervisor.signalProcess", program, name)


def pid_of(run_dir: Path, program: str) -> int | None:
    """Return the pid of a program, None when it does not run."""
    found = (each.pid for each in statuses(run_dir) if each.name == program)
    return next(found, 0) or None


def stop(run_dir: Path, *, deadline_s: float, started: ProcessIdentity | None = None) -> bool:
    """
    Have supervisord stop everything, and wait until it has ended.

    ``started`` is the supervisord that the caller started itself; by default it is the lock's
    holder, whose identity must be proved before a signal is sent.

    Returns False when it had to be killed, which leaves its children to the kernel. Raises
    RefusedError when it did not end, and no process here is proved to be it.
    """
    holder = started or lock.holder_identity(run_dir)
    if holder is None:
        return True
    if not send_signal(holder, signal.SIGTERM):
        # The process 1 of a container, or of another PID namespace: only its socket leads there.
        try:
            _call(run_dir, "supervisor.shutdown")
        except GoneError as error:
            raise _out_of_reach(run_dir) from error
    if wait_until(lambda: lock.holder(run_dir) is None, deadline_s):
        return True
    if not send_signal(holder, signal.SIGKILL):
        raise _out_of_reach(run_dir)
    wait_until(lambda: lock.holder(run_dir) is None, KILLED_S)
    return False


def _out_of_reach(run_dir: Path) -> RefusedError:
    return RefusedError(
        f"supervisord does not answer in {run_dir}, and no process here is proved to be it.",
        hint="It may run in another container: stop it there.",
    )


def _call(run_dir: Path, method: str, *arguments: object) -> Any:
    transport = _Transport("tandem", "tandem", f"unix://{run_dir / 'supervisor.sock'}")
    proxy = ServerProxy("http://127.0.0.1", transport=transport)
    try:
        return getattr(proxy, method)(*arguments)
    except Fault as fault:
        if fault.faultCode == Faults.UNKNOWN_METHOD:
            raise MachineError(
                "What runs was started by another version of tandem.",
                hint="Stop it with `tandem down`, and start it with `tandem up`.",
            ) from fault
        raise GoneError(f"supervisord refuses: {fault.faultString}") from fault
    except (Error, HTTPException, OSError) as error:
        # On its way down it hangs up.
        raise GoneError("supervisord does not answer") from error
    finally:
        transport.close()
