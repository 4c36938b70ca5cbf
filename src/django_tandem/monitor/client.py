"""The client of the monitor: the snapshot and the pages that it answers in the run directory."""

import http.client
import json
import socket
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from django_tandem.errors import MachineError, RefusedError
from django_tandem.monitor.snapshot import Snapshot
from django_tandem.runtime import lock
from django_tandem.runtime.state import METRICS_SOCKET, read_state

T = TypeVar("T")

# The program of supervisord, and its log.
PROGRAM = "monitor"
TIMEOUT_S = 3.0


class UnansweredError(RefusedError):
    """The monitor does not answer: it is being restarted, or it has ended."""


def read_snapshot(run_dir: Path) -> Snapshot:
    """
    Return the present snapshot of the stack in ``run_dir``.

    Raises RefusedError when nothing runs there, or no monitor, and UnansweredError when the monitor
    does not answer.
    """
    return decode(Snapshot, json.loads(get(run_dir, "/snapshot.json")))


def get(run_dir: Path, target: str) -> bytes:
    """Return the body that the monitor answers ``target`` with; errors as read_snapshot()."""
    connection = http.client.HTTPConnection("localhost", timeout=TIMEOUT_S)
    try:
        connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.sock.settimeout(TIMEOUT_S)
        connection.sock.connect(str(run_dir / METRICS_SOCKET))
        connection.request("GET", target)
        response = connection.getresponse()
        body = response.read()
    except (OSError, http.client.HTTPException) as error:
        raise _why_unanswered(run_dir) from error
    finally:
        connection.close()
    if response.status != http.client.OK:
        raise UnansweredError(f"The monitor answers {target} with {response.status}.")
    return body


def _why_unanswered(run_dir: Path) -> RefusedError:
    if lock.holder(run_dir) is None:
        return RefusedError(f"Nothing runs in {run_dir}.", hint="Start it with `tandem up`.")
    if not _has_monitor(run_dir):
        return RefusedError(
            f"The stack in {run_dir} runs without a monitor.",
            hint='Set TANDEM["MONITOR"] to True, its default, and restart the stack.',
        )
    return UnansweredError(
        f"The monitor in {run_dir} does not answer.",
        hint=f"supervisord restarts it when it fails; `tandem logs {PROGRAM}` shows why.",
    )


def _has_monitor(run_dir: Path) -> bool:
    try:
        state = read_state(run_dir)
    except MachineError:
        return False
    return state is not None and any(each.name == PROGRAM for each in state.processes)


def decode(cls: type[T], value: dict[str, Any]) -> T:
    """Return the dataclass of a JSON object; fields of a newer version are left out."""
    types = get_type_hints(cls)
    known = {each.name for each in fields(cls)}  # type: ignore[arg-type]
    return cls(**{name: _value(types[name], value[name]) for name in known & value.keys()})


def _value(wanted: Any, value: Any) -> Any:
    if value is None:
        return None
    if get_origin(wanted) is tuple:
        return tuple(_value(get_args(wanted)[0], each) for each in value)
    cls = get_args(wanted)[0] if isinstance(wanted, UnionType) else wanted
    return decode(cls, value) if isinstance(cls, type) and is_dataclass(cls) else value
