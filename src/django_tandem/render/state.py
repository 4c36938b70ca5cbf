"""What a running stack is, kept beside it, so that status, logs and down need no project."""

import json
from dataclasses import asdict, dataclass

from django_tandem.model import File, Overrides, Plan, Process

NAME = "state.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """
    The part of a plan that outlives its start.

    ``generation`` is the one that serves, ``drain_s`` what those before it get to end in, and
    ``longest_drain_s`` what the edge lets any of them have. ``timeout_s`` is that of a request.
    ``binds`` are the addresses that the edge listens on.
    ``server_name`` is one that the edge answers to; it is empty when any will do.
    ``overrides`` hold until the stack is stopped.
    """

    generation: int
    drain_s: int
    longest_drain_s: int
    timeout_s: int
    binds: tuple[str, ...]
    overrides: Overrides
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
        generation=plan.generation,
        drain_s=plan.drain_s,
        longest_drain_s=plan.edge.drain_s,
        timeout_s=plan.edge.read_timeout_s,
        binds=tuple(map(str, plan.edge.binds)),
        overrides=plan.overrides,
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
