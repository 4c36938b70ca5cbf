"""Make the plan that every target renders from the project, the settings and the machine."""

from django_tandem import environment, servers
from django_tandem.errors import SettingError
from django_tandem.model import (
    EVERY_ROLE,
    BackgroundWorker,
    Host,
    Overrides,
    Pin,
    Plan,
    Project,
    Role,
    Roles,
    Route,
    Stack,
    Verdict,
)
from django_tandem.model.roles import listed_roles
from django_tandem.model.stop import SHORTEST_S
from django_tandem.plan.background_workers import without_program
from django_tandem.plan.capacity import open_files, open_files_notes
from django_tandem.plan.context import PlanContext
from django_tandem.plan.edge import edge
from django_tandem.plan.health import health_binds, health_socket, listeners, metrics_binds
from django_tandem.plan.kubernetes import kubernetes
from django_tandem.plan.notes import notes
from django_tandem.plan.peers import named_peers, served_here
from django_tandem.plan.processes import is_supervised, processes, require_work
from django_tandem.plan.stack_servers import asgi_connections
from django_tandem.routing.policy import decide
from django_tandem.routing.table import stripped_prefix
from django_tandem.settings import Settings

__all__ = ["make_plan"]


def make_plan(
    project: Project,
    settings: Settings,
    host: Host,
    verdicts: tuple[Verdict, ...],
    *,
    run_dir: str,
    generation: int = 1,
    overrides: Overrides | None = None,
    requires_trust: bool = True,
) -> Plan:
    """
    Return the plan for ``project`` on ``host``; ``run_dir`` is absolute.

    Without ``requires_trust``, servers on several hosts may lack SECRET and TLS.
    Raises SettingError for a setting that the chosen server does not support.
    """
    _check_settings(settings)
    stacks = _needed_stacks(project, verdicts, settings)
    given = overrides or Overrides()
    roles = EVERY_ROLE if given.roles is None else given.roles
    _check_gateway(roles, is_direct=given.is_direct)
    context = PlanContext(
        project=project,
        settings=settings,
        host=host,
        run_dir=run_dir,
        generation=generation,
        has_both=len(stacks) > 1,
        is_debugged=given.debug,
        roles=roles,
        is_direct=given.is_direct,
        requires_trust=requires_trust,
    )
    return _planned(context, stacks, verdicts, given)


def _planned(
    context: PlanContext,
    stacks: tuple[Stack, ...],
    verdicts: tuple[Verdict, ...],
    overrides: Overrides,
) -> Plan:
    settings, host = context.settings, context.host
    is_on_asgi = Stack.ASGI in served_here(stacks, context.roles)
    connections = asgi_connections(context) if is_on_asgi else None
    planned_edge = edge(context, verdicts, stacks)
    started = processes(context, stacks)
    require_work(context, started)
    own = [each.argv for each in started if each.exclusive]
    listening = listeners(context, planned_edge, started)
    probes = health_binds(context, listening)
    return Plan(
        project=context.project,
        python=host.python,
        run_dir=context.run_dir,
        generation=context.generation,
        drain_s=settings.drain_s,
        stop_s=settings.stop_s,
        stop_delay_s=settings.stop_delay_s,
        verdicts=verdicts,
        pins=settings.routes,
        edge=planned_edge,
        processes=started,
        kubernetes=kubernetes(context, stacks),
        log_format=settings.log_format,
        overrides=overrides,
        notes=(
            *notes(context, verdicts, stacks),
            *open_files_notes(settings.asgi, connections, host),
        ),
        connections=connections,
        open_files=open_files(connections, host),
        missing_workers=_missing_workers(context, own),
        health_binds=probes,
        health_socket=health_socket(context),
        checks_migrations=settings.migrations,
        has_monitor=settings.monitor,
        metrics_binds=metrics_binds(context, listening, probes),
        reload_group=settings.reload_group or "",
        user=settings.user or ("" if host.is_root else host.user),
        roles=context.roles,
        is_supervised=is_supervised(context),
        peers=named_peers(settings),
        shifted_by_advice=settings.shift.routes if settings.shift.auto else (),
    )


def _missing_workers(
    context: PlanContext, programs: list[tuple[str, ...]]
) -> tuple[BackgroundWorker, ...]:
    # Where the workers are another host's, that host names those that are missing.
    if Role.WORKERS not in context.roles:
        return ()
    return without_program(context.project.background_workers, programs)


def _check_settings(settings: Settings) -> None:
    # Also of a stack that is not served yet, so that a wrong name is found at once.
    servers.find(Stack.WSGI, settings.wsgi.server)
    servers.find(Stack.ASGI, settings.asgi.server)
    _check_stop(settings)
    _check_drain(settings)


def _check_gateway(roles: Roles, *, is_direct: bool) -> None:
    if is_direct and Role.EDGE in roles:
        raise SettingError(
            f'{environment.GATEWAY} is "direct", and the roles are "{listed_roles(roles)}", which '
            "have an edge.",
            hint=f"Name roles without one, such as `--role wsgi`, or unset {environment.GATEWAY}.",
        )


def _check_stop(settings: Settings) -> None:
    stop_s, delay_s = settings.stop_s, settings.stop_delay_s
    if delay_s > stop_s - SHORTEST_S:
        raise SettingError(
            f'TANDEM["STOP_DELAY_S"] is {delay_s}, and the whole stop takes STOP_S, {stop_s}.',
            hint=f"Set STOP_S to {delay_s + SHORTEST_S} or more: the delay is a part of it.",
        )


def _check_drain(settings: Settings) -> None:
    prefixes = [pin.target for pin in settings.routes if pin.strip]
    for rule in settings.drain:
        stripped = stripped_prefix(rule.prefix, prefixes)
        if stripped:
            raise SettingError(
                f'TANDEM["DRAIN"] has "{rule.prefix}", and TANDEM["ROUTES"] strips "{stripped}".',
                hint=f'Write the paths as the ASGI stack gets them, without "{stripped}".',
            )


def _needed_stacks(
    project: Project, verdicts: tuple[Verdict, ...], settings: Settings
) -> tuple[Stack, ...]:
    """Return the stacks that serve: ASGI only when a route, a pin or a setting needs it."""
    needs_asgi = (
        settings.asgi.always
        or bool(project.asgi_dispatcher)
        or any(verdict.stack is Stack.ASGI for verdict in verdicts)
        or any(pin.stack is Stack.ASGI for pin in settings.routes)
        # Only the handover reaches the views of a URLconf that a middleware chooses.
        or (settings.handover and _any_on_asgi(project.other_routes, settings.routes))
    )
    return (Stack.WSGI, Stack.ASGI) if needs_asgi else (Stack.WSGI,)


def _any_on_asgi(routes: tuple[Route, ...], pins: tuple[Pin, ...]) -> bool:
    return any(decide(route, pins).stack is Stack.ASGI for route in routes)
