"""Facts about a project, with defaults that no check objects to."""

from typing import Any

from builders import host, plan
from django_tandem.checks.facts import Facts
from django_tandem.model import Verdict
from django_tandem.settings import read_settings

# One CPU, so that one process serves ASGI.
SMALL = host(cpus=1.0)


def facts(*verdicts: Verdict, tandem: dict[str, Any] | None = None, **known: Any) -> Facts:
    """Return the facts of a plan for ``verdicts``, made with the TANDEM setting ``tandem``."""
    on = known.pop("on", SMALL)
    project = known.pop("project", {})
    return Facts(
        plan=plan(*verdicts, tandem=tandem, on=on, **project),
        settings=read_settings(tandem),
        **known,
    )
