"""The state kept in a run directory, read back: which generation serves, and what belongs to it."""

import json
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

from django_tandem.errors import MachineError
from django_tandem.model import Overrides, Process, Stack
from django_tandem.render.state import NAME, State

T = TypeVar("T")


def read_state(run_dir: Path, name: str = NAME) -> State | None:
    """
    Read the state kept in ``run_dir``; None when nothing was started there.

    Raises MachineError for one that an older version wrote.
    """
    try:
        kept = json.loads((run_dir / name).read_text())
    except (FileNotFoundError, NotADirectoryError):
        return None
    if not {each.name for each in fields(State)} <= kept.keys():
        raise MachineError(
            f"{run_dir / name} was written by another version of tandem.",
            hint="Stop what runs with `tandem down`, and start it with `tandem up`.",
        )
    read = {
        "notes": tuple(kept["notes"]),
        "binds": tuple(kept["binds"]),
        "overrides": _known(Overrides, kept["overrides"]),
        "processes": tuple(_process(each) for each in kept["processes"]),
    }
    return _known(State, {**kept, **read})


def _process(kept: dict[str, Any]) -> Process:
    # JSON knows neither tuples nor enums.
    environment = tuple((name, value) for name, value in kept["environment"])
    stack = Stack(kept["stack"]) if kept["stack"] else None
    argv = tuple(kept["argv"])
    read = {"argv": argv, "environment": environment, "stack": stack}
    return _known(Process, {**kept, **read})


def _known(cls: type[T], kept: dict[str, Any]) -> T:
    # A newer version may have written more: what runs is not to end because of that.
    names = {each.name for each in fields(cls)}  # type: ignore[arg-type]
    return cls(**{name: value for name, value in kept.items() if name in names})
