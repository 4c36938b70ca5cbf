"""What a person should know about a plan: what is not started, not known, or without effect."""

from collections.abc import Iterator

from django_tandem.errors import did_you_mean
from django_tandem.model import (
    EVERY_ROLE,
    Host,
    Pin,
    Project,
    Protocol,
    Role,
    Route,
    Stack,
    Verdict,
)
from django_tandem.model.plan import CONNECTIONS_A_FILE
from django_tandem.model.roles import listed_roles
from django_tandem.plan.capacity import OPEN_FILES
from django_tandem.plan.context import PlanContext
from django_tandem.routing.policy import covers, decide
from django_tandem.settings import Settings


def notes(
    context: PlanContext, verdicts: tuple[Verdict, ...], stacks: tuple[Stack, ...]
) -> tuple[str, ...]:
    """Return what a person should know about the plan, a sentence each."""
    return (
        *_roles(context, stacks),
        *_urlconfs(context, stacks),
        *(_open_files(context.host) if Role.EDGE in context.roles else ()),
        *_as_root(context),
        *_long_stops(context.settings),
        *_dispatcher(context.project, verdicts),
        *_long_polling(context),
        *(_pinned_inexactly(verdict) for verdict in verdicts if _is_late(context, verdict)),
        *_pins_without_effect(context, verdicts),
    )


def _roles(context: PlanContext, stacks: tuple[Stack, ...]) -> Iterator[str]:
    roles, peers = context.roles, context.settings.peers
    if roles == EVERY_ROLE:
        return
    yield f"The roles of this host are {listed_roles(roles)}."
    if context.is_direct:
        yield "Requests come from a gateway, whose headers are trusted as Django's settings say."
    if Role.EDGE in roles:
        for stack in stacks:
            if Role(stack) not in roles:
                servers = peers.wsgi if stack is Stack.WSGI else peers.asgi
                yield f"{stack.upper()} is served by {', '.join(map(str, servers))}."


def _urlconfs(context: PlanContext, stacks: tuple[Stack, ...]) -> Iterator[str]:
    project = context.project
    if project.urlconf_setters and not project.other_urlconfs:
        yield (
            f"{', '.join(project.urlconf_setters)} sets request.urlconf, and the URLconfs that it "
            'chooses are not known: name them in TANDEM["URLCONFS"], as their async views may need '
            "ASGI."
        )
    elif project.other_urlconfs and context.has_both:
        yield _other_urlconfs(context)
    elif Stack.ASGI not in stacks:
        yield (
            "Nothing in this project needs ASGI, so no ASGI server is started. "
            'Pin a route to it, or set TANDEM["ASGI"]["ALWAYS"] to True, to start one.'
        )


def _open_files(host: Host) -> Iterator[str]:
    if host.open_files < OPEN_FILES:
        connections = int(host.open_files * CONNECTIONS_A_FILE)
        yield (
            f"A process may open {host.open_files} files here, so each worker of NGINX takes at "
            f"most {connections} connections. Raise the limit to {OPEN_FILES} for more: "
            "`ulimit -n`, or LimitNOFILE= of a systemd unit."
        )


def _as_root(context: PlanContext) -> Iterator[str]:
    if context.host.is_root and context.settings.user is None:
        yield (
            "Running as root: the servers and NGINX's workers may read every file here. Set "
            'TANDEM["USER"] to another user, or to "root" to omit this line.'
        )


def _long_stops(settings: Settings) -> Iterator[str]:
    left_s = settings.stop_s - settings.stop_delay_s
    for name, program in settings.programs:
        if program.stop_s and program.stop_s > left_s:
            yield (
                f'TANDEM["PROGRAMS"]["{name}"]["STOP_S"] is {program.stop_s}, and a stop of the '
                f'stack kills it after {left_s} s, as TANDEM["STOP_S"] says; a reload does not.'
            )


def _dispatcher(project: Project, verdicts: tuple[Verdict, ...]) -> Iterator[str]:
    if not project.asgi_dispatcher:
        return
    found = [
        verdict.route.pattern.removesuffix("…")
        for verdict in verdicts
        if verdict.route.view.dotted == project.asgi_dispatcher.partition(" ")[0]
        and verdict.route.protocol is Protocol.HTTP
    ]
    known = f"those that its code names: {', '.join(found)}" if found else "none"
    yield (
        f"{project.asgi_dispatcher} chooses by the path itself, so the paths that it serves "
        f"without Django are not known. ASGI gets {known}. "
        'Pin the others in TANDEM["ROUTES"], such as ("/path/", "asgi").'
    )


def _long_polling(context: PlanContext) -> Iterator[str]:
    if not context.project.needs_one_asgi_process:
        return
    needs = "Socket.IO's long polling needs every request of a session in one process, so"
    workers = context.settings.asgi.workers
    if workers is None:
        yield f"{needs} one ASGI process is started."
    elif workers > 1:
        yield (
            f'{needs} TANDEM["ASGI"]["WORKERS"] = {workers} breaks it. Set it to 1, or allow '
            'transports=["websocket"] only.'
        )


def _other_urlconfs(context: PlanContext) -> str:
    project, pins = context.project, context.settings.routes
    on_asgi = sum(decide(route, pins).stack is Stack.ASGI for route in project.other_routes)
    return (
        f"A middleware may choose {', '.join(each.module for each in project.other_urlconfs)}: "
        f"{on_asgi} of {len(project.other_routes)} routes there belong on ASGI, by the handover: "
        "the middleware runs on both stacks for them."
    )


def _is_late(context: PlanContext, verdict: Verdict) -> bool:
    # ASGI decides behind the middleware; the reverse way, WSGI decides in front of it.
    if verdict.pin is None or not context.settings.handover or not verdict.route.by_django:
        return False
    is_of_route = not context.settings.routes[verdict.pin].is_of_paths
    is_http_on_asgi = verdict.stack is Stack.ASGI and verdict.route.protocol is Protocol.HTTP
    return is_of_route and is_http_on_asgi and bool(verdict.route.match.why_inexact)


def _pinned_inexactly(verdict: Verdict) -> str:
    return (
        f'TANDEM["ROUTES"][{verdict.pin}]: ASGI gets all paths that {verdict.route.pattern} may '
        "match. It hands over those of synchronous views, and the middleware runs on both stacks "
        "for them."
    )


def _pins_without_effect(context: PlanContext, verdicts: tuple[Verdict, ...]) -> Iterator[str]:
    project = context.project
    routes = (*(verdict.route for verdict in verdicts), *project.other_routes)
    for index, pin in enumerate(context.settings.routes):
        if pin.is_of_paths and not _dispatcher_may_serve(pin, project):
            yield from _without_effect(index, pin, routes, project.script_name)


def _has_routes(pin: Pin, routes: tuple[Route, ...]) -> bool:
    # A catch-all has a shorter prefix than any pin, and may match below it; one path does not.
    wanted = pin.path or pin.target
    return pin.strip or any(
        route.match.prefix.startswith(wanted)
        or (route.match.literal is None and wanted.startswith(route.match.prefix))
        for route in routes
        if route.match.prefix
    )


def _without_effect(
    index: int, pin: Pin, routes: tuple[Route, ...], script_name: str
) -> Iterator[str]:
    entry = f'TANDEM["ROUTES"][{index}]'
    covered = [route for route in routes if covers(pin, route)]
    are_websockets = {route.protocol for route in covered} == {Protocol.WEBSOCKET}
    if pin.stack is Stack.WSGI and are_websockets:
        yield f'{entry}: "{pin.target}" has only WebSockets, and they stay on ASGI.'
    if _has_routes(pin, routes):
        return
    wanted = pin.path or pin.target
    below = script_name.rstrip("/")
    hint = did_you_mean(wanted, _beginnings(routes), otherwise="")
    if below and wanted.startswith(f"{below}/"):
        hint = f'Leave out FORCE_SCRIPT_NAME: "{wanted.removeprefix(below)}".'
    verb = "begins with" if pin.is_prefix else "matches"
    yield f'{entry}: no route {verb} "{wanted}". {hint}'.rstrip()


def _beginnings(routes: tuple[Route, ...]) -> set[str]:
    """Return the prefix of each route, and each part of it that ends with a slash."""
    prefixes = [route.match.prefix for route in routes]
    parents = (
        prefix[: index + 1]
        for prefix in prefixes
        for index, character in enumerate(prefix)
        if character == "/"
    )
    return {*prefixes, *parents} - {"", "/"}


def _dispatcher_may_serve(pin: Pin, project: Project) -> bool:
    return pin.stack is Stack.ASGI and bool(project.asgi_dispatcher)
