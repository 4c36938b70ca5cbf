"""The state kept in a run directory: which generation is live, and how the start went."""

import json
import sys
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, TypeVar

from django_tandem.errors import MachineError, RefusedError
from django_tandem.model import Bind, LogFormat, Overrides, Process, Role, Stack, WorkerKind
from django_tandem.model.state import STATE_FILE, State
from django_tandem.model.stop import DEFAULT_STOP_S

T = TypeVar("T")

# Names the program that failed at the start, and why: supervisord reports nothing in its shutdown.
FAILED_FILE = "failed"
# Exists once all programs of the first generation have passed their health check.
READY_FILE = "ready"
# Where the probes are always answered.
HEALTH_SOCKET = "health.sock"
# Where the monitor always answers.
METRICS_SOCKET = "metrics.sock"


def nothing_runs(run_dir: Path) -> RefusedError:
    """Return the error of a command that needs a running stack, where none runs in ``run_dir``."""
    return RefusedError(f"Nothing runs in {run_dir}.", hint="Start it with `tandem up`.")


def read_state(run_dir: Path, name: str = STATE_FILE) -> State | None:
    """
    Read the state kept in ``run_dir``; None when nothing was started there.

    Raises MachineError for a file of another version, for one that is no state at all, and for
    one that can't be read.
    """
    path = run_dir / name
    try:
        kept = json.loads(path.read_text())
        # A field with a default is newer than 0.1.0, which may have written this.
        required = {each.name for each in fields(State) if each.default is MISSING}
        if not required <= kept.keys():
            raise _other_version(path)
        return _state(kept)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise _inaccessible(path, error) from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise _unreadable(path) from error


class WatchedState:
    """The state of a run directory, read again when it has changed: a reload has committed it."""

    def __init__(self, run_dir: Path) -> None:
        self._run_dir = run_dir
        self._version: tuple[int, int] | None = None

    def read_if_changed(self) -> State | None:
        """Return the state if it is another one; None if not, and where it can't be read."""
        try:
            found = (self._run_dir / STATE_FILE).stat()
            version = found.st_ino, found.st_mtime_ns
            if version == self._version:
                return None
            state = read_state(self._run_dir)
        except (OSError, MachineError):
            # While it is damaged, what it held before still runs.
            return None
        if state is not None:
            self._version = version
        return state


def live_python(run_dir: Path) -> str:
    """Return the interpreter of the live generation in ``run_dir``, this one where that is gone."""
    state = read_state(run_dir)
    # That of an old release, which started supervisord, may have been deleted.
    found = [each for each in (state and state.python, sys.executable) if each]
    return next((each for each in found if Path(each).exists()), sys.executable)


def read_stop_s(run_dir: Path) -> int:
    """Return how long a stop of the stack in ``run_dir`` may take, the default if not known."""
    try:
        state = read_state(run_dir)
    except MachineError:
        state = None
    return state.stop_s if state else DEFAULT_STOP_S


def _state(kept: dict[str, Any]) -> State:
    read = {
        "notes": tuple(kept["notes"]),
        "binds": tuple(kept["binds"]),
        "overrides": _overrides(kept["overrides"]),
        "log_format": LogFormat(kept.get("log_format", LogFormat.TEXT)),
        "health": tuple(kept.get("health", ())),
        "metrics": tuple(kept.get("metrics", ())),
        "processes": tuple(_process(each) for each in kept["processes"]),
    }
    return _known(State, {**kept, **read})


def _overrides(kept: dict[str, Any]) -> Overrides:
    log_format, roles = kept.get("log_format"), kept.get("roles")
    read = {
        "log_format": log_format and LogFormat(log_format),
        "roles": None if roles is None else frozenset(map(Role, roles)),
    }
    return _known(Overrides, {**kept, **read})


def _process(kept: dict[str, Any]) -> Process:
    # JSON has neither tuples nor enums.
    environment = tuple((name, value) for name, value in kept["environment"])
    kinds = tuple(_kind(each) for each in kept["kinds"]) if "kinds" in kept else _only_kind(kept)
    read = {"argv": tuple(kept["argv"]), "environment": environment, "kinds": kinds}
    return _known(Process, {**kept, **read})


def _only_kind(kept: dict[str, Any]) -> tuple[WorkerKind, ...]:
    # As 0.1.0 wrote it: the program of a stack may still run.
    return (_kind(kept),) if kept["socket"] else ()


def _kind(kept: dict[str, Any]) -> WorkerKind:
    stack = Stack(kept["stack"]) if kept["stack"] else None
    bind = _known(Bind, kept["bind"]) if kept.get("bind") else None
    return _known(WorkerKind, {**kept, "stack": stack, "bind": bind})


def _known(cls: type[T], kept: dict[str, Any]) -> T:
    # A newer version may have written more fields: that must not stop a running stack.
    names = {each.name for each in fields(cls)}  # type: ignore[arg-type]
    return cls(**{name: value for name, value in kept.items() if name in names})


def _other_version(path: Path) -> MachineError:
    return MachineError(
        f"{path} was written by another version of tandem.",
        hint="Stop the stack with `tandem down`, and start it with `tandem up`.",
    )


def _unreadable(path: Path) -> MachineError:
    return MachineError(
        f"{path} is damaged: it does not hold the state of a stack.",
        hint="Start the stack with `tandem up`, after `tandem down` if it runs.",
    )


def _inaccessible(path: Path, error: OSError) -> MachineError:
    return MachineError(
        f"{path} can't be read: {error.strerror}.",
        hint="Check the file and its disk; `tandem down` stops the stack without it.",
    )
