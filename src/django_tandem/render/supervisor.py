"""Render supervisord.conf, and state.json: the running stack for commands that need no project."""

import json
from dataclasses import asdict
from typing import Any

from django_tandem.model import MONITOR_FILE, REQUESTS_FILE, File, Plan, Process
from django_tandem.model.shifts import SHIFTED_FILE
from django_tandem.model.state import STATE_FILE, State, planned_state
from django_tandem.render.target import Target, fill


def state_file(state: State) -> File:
    """Return state.json; only its owner may read the environment variables in it."""
    entries = [_entry(process) for process in state.processes]
    kept = {**asdict(state), "processes": entries}
    # JSON has no sets, such as that of the roles.
    content = json.dumps(kept, indent=1, default=sorted) + "\n"
    return File(name=STATE_FILE, content=content, mode=0o600)


def _entry(process: Process) -> dict[str, Any]:
    # A stack may be reloaded by another version, whose entries have keys of one kind alone.
    one = process.kinds[0] if len(process.kinds) == 1 else None
    return {
        **asdict(process),
        "stack": one and one.stack,
        "socket": one and one.socket,
        "workers": one.workers if one else 1,
    }


def render(plan: Plan) -> tuple[File, ...]:
    """
    Return supervisord.conf, for a supervisord in the foreground, and state.json.

    With the monitor, also the file that has NGINX log to it. A role that is one process has no
    supervisord.
    """
    return (
        *([_supervisord_file(plan)] if plan.is_supervised else []),
        state_file(planned_state(plan)),
        *([_monitor_file(plan)] if plan.has_monitor else []),
    )


def _supervisord_file(plan: Plan) -> File:
    content = fill("supervisor/supervisord.conf.j2", plan=plan)
    # It has the variables of `PROGRAMS`.
    return File(name="supervisord.conf", content=content, mode=0o600)


def _monitor_file(plan: Plan) -> File:
    content = fill(
        "nginx/monitor.conf.j2",
        requests_file=REQUESTS_FILE,
        shifted_file=SHIFTED_FILE,
        can_shift=plan.can_shift,
    )
    return File(name=MONITOR_FILE, content=content)


TARGET = Target(
    name="supervisor",
    summary="the processes: supervisord.conf, state.json and monitor.conf",
    render=render,
)
