"""What a running stack is, kept beside it, so that status, logs and down need no project."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from django_tandem.model import File, Plan, Process, Stack

NAME = "state.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """
    The part of a plan that outlives its start.

    ``server_name`` is one that the edge answers to; it is empty when any will do.
    """

    url: str
    host: str
    port: int
    server_name: str
    notes: tuple[str, ...]
    processes: tuple[Process, ...]


def state_of(plan: Plan) -> State:
    """Return what of ``plan`` is worth keeping."""
    bind = plan.edge.binds[0]
    # "*.shop.example" and ".shop.example" are names as well, to NGINX.
    names = [name.replace("*", "any").lstrip(".") for name in plan.edge.server_names]
    return State(
        url=plan.url,
        host=bind.host,
        port=bind.port,
        server_name=names[0] if names else "",
        notes=plan.notes,
        processes=plan.processes,
    )


def state_file(state: State) -> File:
    """Write ``state`` as a file; its environment variables may be the user's alone to read."""
    return File(name=NAME, content=json.dumps(asdict(state), indent=1) + "\n", mode=0o600)


def read_state(run_dir: Path) -> State | None:
    """Read the state kept in ``run_dir``; None when nothing was started there."""
    try:
        kept = json.loads((run_dir / NAME).read_text())
    except (FileNotFoundError, NotADirectoryError):
        return None
    processes = tuple(_process(each) for each in kept.pop("processes"))
    return State(**{**kept, "notes": tuple(kept["notes"]), "processes": processes})


def _process(kept: dict[str, Any]) -> Process:
    # JSON knows neither tuples nor enums.
    environment = tuple((name, value) for name, value in kept["environment"])
    stack = Stack(kept["stack"]) if kept["stack"] else None
    argv = tuple(kept["argv"])
    return Process(**{**kept, "argv": argv, "environment": environment, "stack": stack})
