"""Checks of this machine: what `tandem up` needs and refuses to start without."""

import os
from collections.abc import Iterator
from pathlib import Path

from django.core.checks import CheckMessage, Error

from django_tandem import environment
from django_tandem.checks.facts import Facts
from django_tandem.errors import MachineError
from django_tandem.model import Plan
from django_tandem.runtime import lock, preflight, run_dir
from django_tandem.runtime.state import read_state
from django_tandem.settings import Settings


def machine_has_all(facts: Facts) -> list[CheckMessage]:
    """Find what the plan needs and this machine lacks: packages, files, programs, addresses."""
    return [
        Error(error.message, hint=error.hint, obj="TANDEM", id="tandem.E012")
        for error in facts.missing
    ]


def nginx_accepts_the_edge(facts: Facts) -> list[CheckMessage]:
    """Find a configuration that NGINX rejects, such as for a directive of INCLUDE."""
    if not facts.nginx_errors:
        return []
    return [
        Error(
            "NGINX rejects the rendered nginx.conf.",
            hint=facts.nginx_errors,
            obj="TANDEM",
            id="tandem.E013",
        )
    ]


def read_missing(plan: Plan, settings: Settings) -> Iterator[MachineError]:
    """Yield what this machine lacks to start ``plan``, and start nothing."""
    directory = Path(plan.run_dir)
    listening: tuple[str, ...] = ()
    try:
        # `tandem up` would make one before it gives up root.
        if directory.exists() or environment.STARTED_BY_ROOT not in os.environ:
            run_dir.require_usable(directory)
        # A stack that runs here listens on its own addresses.
        state = read_state(directory) if lock.holder(directory) is not None else None
        listening = state.binds if state else ()
    except MachineError as error:
        yield error
    yield from preflight.find_missing(plan, settings, listening)
