"""Make the plan that every target renders from the project, the settings and the machine."""

from django_tandem import servers
from django_tandem.model import Edge, Host, Overrides, Pin, Plan, Project, Stack, Tls, Verdict
from django_tandem.plan.binds import binds
from django_tandem.plan.capacity import OPEN_FILES
from django_tandem.plan.processes import GRACE_S, PlanContext, processes
from django_tandem.routing.table import edge_rules
from django_tandem.settings import Settings, TlsSettings

__all__ = ["make_plan", "served_stacks"]


def make_plan(
    project: Project,
    settings: Settings,
    host: Host,
    verdicts: tuple[Verdict, ...],
    *,
    run_dir: str,
    generation: int = 1,
    overrides: Overrides | None = None,
) -> Plan:
    """
    Return the plan for ``project`` on ``host``; ``run_dir`` is absolute.

    Raises SettingError for a setting that the chosen server does not support.
    """
    # Also of a stack that is not served yet, so that a wrong name is found at once.
    servers.find(Stack.WSGI, settings.wsgi.server)
    servers.find(Stack.ASGI, settings.asgi.server)
    stacks = served_stacks(verdicts, settings)
    context = PlanContext(
        project=project,
        settings=settings,
        host=host,
        run_dir=run_dir,
        generation=generation,
        has_both=len(stacks) > 1,
    )
    return Plan(
        project=project,
        python=host.python,
        run_dir=run_dir,
        generation=generation,
        drain_s=settings.drain_s,
        verdicts=verdicts,
        edge=_edge(context, verdicts, stacks),
        processes=processes(context, stacks),
        overrides=overrides or Overrides(),
        notes=tuple(_notes(context, verdicts, stacks)),
    )


def served_stacks(verdicts: tuple[Verdict, ...], settings: Settings) -> tuple[Stack, ...]:
    """Return the stacks to start: ASGI only when a route, a pin or a setting needs it."""
    needs_asgi = (
        settings.asgi.always
        or any(verdict.stack is Stack.ASGI for verdict in verdicts)
        or any(pin.stack is Stack.ASGI for pin in settings.routes)
    )
    return (Stack.WSGI, Stack.ASGI) if needs_asgi else (Stack.WSGI,)


def _edge(context: PlanContext, verdicts: tuple[Verdict, ...], stacks: tuple[Stack, ...]) -> Edge:
    project, settings, host = context.project, context.settings, context.host
    return Edge(
        nginx=host.nginx,
        binds=binds(settings.bind, has_ipv6=host.has_ipv6),
        rules=edge_rules(verdicts, settings.routes),
        stacks=stacks,
        stripped_prefixes=_stripped_prefixes(settings.routes),
        max_body=settings.edge.max_body,
        read_timeout_s=settings.wsgi.timeout_s,
        drain_s=settings.drain_s,
        worker_shutdown_timeout_s=max(settings.drain_s, settings.wsgi.timeout_s) + 2 * GRACE_S,
        server_names=settings.edge.server_names,
        tls=_tls(settings.edge.tls),
        open_files=min(OPEN_FILES, host.open_files),
        trusted_proxies=settings.edge.trusted_proxies,
        static=project.static,
        media=project.media if settings.edge.media else None,
        error_pages=settings.edge.error_pages,
        include=settings.edge.include,
        worker_user=host.user if host.is_root else None,
        handover=settings.handover and context.has_both,
        script_name=project.script_name.rstrip("/"),
    )


def _tls(settings: TlsSettings | None) -> Tls | None:
    return Tls(certificate=settings.certificate, key=settings.key) if settings else None


def _stripped_prefixes(pins: tuple[Pin, ...]) -> tuple[str, ...]:
    return tuple(pin.target for pin in pins if pin.strip)


def _has_routes(pin: Pin, verdicts: tuple[Verdict, ...]) -> bool:
    # A catch-all has a shorter prefix than any pin, and may match below it.
    wanted = pin.path or pin.target
    prefixes = (verdict.route.match.prefix for verdict in verdicts)
    return pin.strip or any(
        prefix.startswith(wanted) or wanted.startswith(prefix) for prefix in prefixes if prefix
    )


def _notes(
    context: PlanContext, verdicts: tuple[Verdict, ...], stacks: tuple[Stack, ...]
) -> list[str]:
    notes = []
    if Stack.ASGI not in stacks:
        notes.append(
            "Nothing in this project needs ASGI, so no ASGI server is started. "
            'Pin a route to it, or set TANDEM["ASGI"]["ALWAYS"] to True, to start one.'
        )
    allowed = context.host.open_files
    if allowed < OPEN_FILES:
        notes.append(
            f"A process may open {allowed} files here, so each worker of NGINX takes at most "
            f"{allowed // 2} connections. Raise the limit to {OPEN_FILES} for more: "
            "`ulimit -n`, or LimitNOFILE= of a systemd unit."
        )
    for index, pin in enumerate(context.settings.routes):
        if pin.is_of_paths and not _has_routes(pin, verdicts):
            notes.append(f'TANDEM["ROUTES"][{index}]: no route matches "{pin.target}".')
    return notes
