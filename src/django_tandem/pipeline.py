"""
The stages from a project's code to the files of its stack, in order.

project code ─load→ Project ─decide→ Verdicts ─plan→ Plan ─render→ Files ─write→ disk

Only `load` runs code of the project and only `write` touches the disk; the stages between are
pure. A command calls the first three by `plan_project` of cli/planning.py; a start and a reload
(runtime/start.py, runtime/reload.py) render and write. `decide` is routing/policy.py; the edge's
table, routing/table.py, is made of its verdicts within `plan`.
"""

from collections.abc import Iterable
from dataclasses import replace

from django_tandem.model import File, Host, Overrides, Plan, Verdict
from django_tandem.output import write
from django_tandem.plan import make_plan
from django_tandem.project import loading
from django_tandem.project.loading import Loaded, read
from django_tandem.project.location import Location
from django_tandem.render import STACK_TARGETS, Target
from django_tandem.routing.policy import check_pins, decide_all
from django_tandem.settings import Settings, read_settings

__all__ = ["Loaded", "decide", "load", "plan", "read", "render", "write"]

# Under `tandem up --debug` no request times out while somebody is at work: that is a day.
DEBUG_TIMEOUT_S = 86_400


def load(
    location: Location, *, overrides: Overrides | None = None, embedded_redis: str | None = None
) -> Loaded:
    """
    Set the project up and read what the plan needs; ``overrides`` replace options of its TANDEM.

    Raises ProjectError when part of it can't be imported, SettingError for its TANDEM.
    """
    loaded = loading.load(location, embedded_redis=embedded_redis)
    return replace(loaded, settings=_overridden(loaded.settings, overrides or Overrides()))


def decide(loaded: Loaded) -> tuple[Verdict, ...]:
    """Return the stack of each route; raises SettingError for a pin that can't be followed."""
    settings = loaded.settings
    project = loaded.project
    check_pins(settings.routes, (*project.routes, *project.other_routes))
    return decide_all(project.routes, settings.routes, handover=settings.handover)


def plan(
    loaded: Loaded,
    verdicts: tuple[Verdict, ...],
    host: Host,
    *,
    run_dir: str,
    generation: int = 1,
    overrides: Overrides | None = None,
    requires_trust: bool = True,
) -> Plan:
    """
    Return the plan to run ``loaded`` on ``host``, in the absolute directory ``run_dir``.

    Without ``requires_trust``, servers on several hosts may lack SECRET and TLS.
    Raises SettingError for a setting that can't be carried out.
    """
    return make_plan(
        loaded.project,
        loaded.settings,
        host,
        verdicts,
        run_dir=run_dir,
        generation=generation,
        overrides=overrides,
        requires_trust=requires_trust,
    )


def render(plan: Plan, targets: Iterable[Target] = STACK_TARGETS) -> list[File]:
    """Return the files of ``targets``, with names relative to the directory they belong in."""
    return [file for target in targets for file in target.render(plan)]


def _overridden(settings: Settings, overrides: Overrides) -> Settings:
    if overrides.bind is not None:
        settings = replace(settings, bind=(overrides.bind,))
    if overrides.run_dir is not None:
        settings = replace(settings, run_dir=overrides.run_dir)
    if overrides.temp_dir is not None:
        edge = replace(settings.edge, temp_dir=overrides.temp_dir)
        settings = replace(settings, edge=edge)
    if overrides.user is not None:
        settings = replace(settings, user=overrides.user)
    if overrides.stop_s is not None:
        settings = replace(settings, stop_s=overrides.stop_s)
    if overrides.log_format is not None:
        settings = replace(settings, log_format=overrides.log_format)
    if overrides.asgi:
        settings = replace(settings, asgi=replace(settings.asgi, always=True))
    if overrides.debug:
        # A debugger waits for a person, and shares its terminal with nobody.
        wsgi = replace(settings.wsgi, workers=1, timeout_s=DEBUG_TIMEOUT_S, nice=0)
        settings = replace(
            settings,
            wsgi=wsgi,
            asgi=replace(settings.asgi, workers=1),
            shared_master=False,
            recycle=read_settings(None).recycle,
        )
    return settings
