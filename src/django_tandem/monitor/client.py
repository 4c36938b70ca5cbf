"""The client of the monitor: the snapshot and the pages that it answers in the run directory."""

import json
from dataclasses import fields, is_dataclass
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from django_tandem import unix_http
from django_tandem.errors import MachineError, RefusedError
from django_tandem.monitor.snapshot import Snapshot
from django_tandem.runtime import lock
from django_tandem.runtime.state import METRICS_SOCKET, nothing_runs, read_state

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
    try:
        response = unix_http.get(run_dir / METRICS_SOCKET, target, timeout_s=TIMEOUT_S)
    except (OSError, HTTPException) as error:
        raise _why_unanswered(run_dir) from error
    if response.status != HTTPStatus.OK:
        raise UnansweredError(f"The monitor answers {target} with {response.status}.")
    return response.body


def _why_unanswered(run_dir: Path) -> RefusedError:
    if lock.holder(run_dir) is None:
        return nothing_runs(run_dir)
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
