"""What a person should know about a plan: what is not started, not known, or without effect."""

from collections.abc import Iterator

from django_tandem.errors import did_you_mean
from django_tandem.model import Pin, Project, Protocol, Route, Stack, Verdict
from django_tandem.plan.capacity import OPEN_FILES
from django_tandem.plan.processes import PlanContext
from django_tandem.routing.policy import covers, decide


def notes(
    context: PlanContext, verdicts: tuple[Verdict, ...], stacks: tuple[Stack, ...]
) -> tuple[str, ...]:
    """Return what a person should know about the plan, a sentence each."""
    found = []
    unread = context.project.urlconf_setters if not context.project.other_urlconfs else ()
    if unread:
        found.append(
            f"{', '.join(unread)} sets request.urlconf, and the URLconfs that it chooses are not "
            'known: name them in TANDEM["URLCONFS"], as their async views may need ASGI.'
        )
    elif context.project.other_urlconfs and context.has_both:
        found.append(_other_urlconfs(context))
    elif Stack.ASGI not in stacks:
        found.append(
            "Nothing in this project needs ASGI, so no ASGI server is started. "
            'Pin a route to it, or set TANDEM["ASGI"]["ALWAYS"] to True, to start one.'
        )
    allowed = context.host.open_files
    if allowed < OPEN_FILES:
        found.append(
            f"A process may open {allowed} files here, so each worker of NGINX takes at most "
            f"{allowed // 2} connections. Raise the limit to {OPEN_FILES} for more: "
            "`ulimit -n`, or LimitNOFILE= of a systemd unit."
        )
    found += _asgi_notes(context, verdicts)
    found += [_pinned_inexactly(verdict) for verdict in verdicts if _is_late(context, verdict)]
    routes = (*(verdict.route for verdict in verdicts), *context.project.other_routes)
    for index, pin in enumerate(context.settings.routes):
        if pin.is_of_paths and not _may_be_served(pin, context.project):
            found += _without_effect(index, pin, routes, context.project.script_name)
    return tuple(found)


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


def _may_be_served(pin: Pin, project: Project) -> bool:
    return pin.stack is Stack.ASGI and bool(project.asgi_dispatcher)


def _asgi_notes(context: PlanContext, verdicts: tuple[Verdict, ...]) -> list[str]:
    project, notes = context.project, []
    if project.asgi_dispatcher:
        found = [
            verdict.route.pattern.removesuffix("…")
            for verdict in verdicts
            if verdict.route.view.dotted == project.asgi_dispatcher.partition(" ")[0]
            and verdict.route.protocol is Protocol.HTTP
        ]
        known = (
            f"ASGI gets those that its code names: {', '.join(found)}"
            if found
            else "ASGI gets none"
        )
        notes.append(
            f"{project.asgi_dispatcher} chooses by the path itself, so the paths that it serves "
            f"without Django are not known. {known}. "
            'Pin the others in TANDEM["ROUTES"], such as ("/path/", "asgi").'
        )
    workers = context.settings.asgi.workers
    if project.needs_one_asgi_process and (workers is None or workers > 1):
        notes.append(
            "Socket.IO's long polling needs every request of a session in one process, so "
            + (
                "one ASGI process is started."
                if workers is None
                else f'TANDEM["ASGI"]["WORKERS"] = {workers} breaks it. Set it to 1, or allow '
                'transports=["websocket"] only.'
            )
        )
    return notes
