"""The state kept in a run directory, read back: which generation serves, and what belongs to it."""

import json
from pathlib import Path
from typing import Any

from django_tandem.model import Overrides, Process, Stack
from django_tandem.render.state import NAME, State


def read_state(run_dir: Path, name: str = NAME) -> State | None:
    """Read the state kept in ``run_dir``; None when nothing was started there."""
    try:
        kept = json.loads((run_dir / name).read_text())
    except (FileNotFoundError, NotADirectoryError):
        return None
    read = {
        "notes": tuple(kept["notes"]),
        "overrides": Overrides(**kept["overrides"]),
        "processes": tuple(_process(each) for each in kept["processes"]),
    }
    return State(**{**kept, **read})


def _process(kept: dict[str, Any]) -> Process:
    # JSON knows neither tuples nor enums.
    environment = tuple((name, value) for name, value in kept["environment"])
    stack = Stack(kept["stack"]) if kept["stack"] else None
    argv = tuple(kept["argv"])
    return Process(**{**kept, "argv": argv, "environment": environment, "stack": stack})
