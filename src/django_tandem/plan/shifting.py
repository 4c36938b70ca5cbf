"""A route that is named → the shift of it, or the reason why it can't be shifted."""

from collections.abc import Iterable, Sequence

from django_tandem.errors import RefusedError, did_you_mean
from django_tandem.model import Block, Plan, Protocol, Route, Stack, Verdict
from django_tandem.plan.blocking import covered
from django_tandem.routing.policy import can_serve, is_named
from django_tandem.routing.table import stripped_prefix


def find_verdict(target: str, verdicts: Sequence[Verdict]) -> Verdict:
    """
    Return the verdict of the one route that ``target`` names, as `tandem plan` prints it.

    It is a pattern, a path, a URL name or a view. Raises RefusedError for none and for several.
    """
    found = [each for each in verdicts if each.route.pattern == target] or [
        each for each in verdicts if target == each.route.match.literal
    ]
    found = found[:1] or [each for each in verdicts if is_named(target, each.route)]
    if len(found) == 1:
        return found[0]
    if found:
        listed = ", ".join(each.route.pattern for each in found[:5])
        raise RefusedError(
            f'"{target}" names {len(found)} routes, and the command takes one.',
            hint=f"Name one by its pattern: {listed}.",
        )
    raise RefusedError(
        f'"{target}" is not a route of the project.',
        hint=did_you_mean(
            target, _names(each.route for each in verdicts), otherwise="`tandem plan` lists them."
        ),
    )


def refuse(verdict: Verdict, to: Stack, plan: Plan, blocks: Iterable[Block]) -> None:
    """Raise RefusedError where the edge can't split the requests of a route between the stacks."""
    _refuse_stack(plan, to)
    route = verdict.route
    if verdict.stack is to:
        raise RefusedError(
            f"{route.pattern} is on {to.upper()} already: {verdict.reason}.",
            hint="`tandem plan` shows the stack of each route.",
        )
    _refuse_kind(route, to)
    _refuse_paths(route, plan)
    for block in blocks:
        if covered(block.rules, [route]):
            raise RefusedError(
                f'{route.pattern} is blocked by "{block.target}", so no stack serves it.',
                hint=f"Unblock it first: `tandem unblock {block.target}`.",
            )


def _refuse_stack(plan: Plan, to: Stack) -> None:
    if not plan.has_edge:
        raise RefusedError(
            "This host has no edge, and only an edge can split a route's requests.",
            hint="Run the command on the host with the role edge; with several, on each of them.",
        )
    if not plan.has_monitor:
        raise RefusedError(
            'TANDEM["MONITOR"] is False, so the two sides can\'t be compared.',
            hint="Set it to True, its default, and restart the stack.",
        )
    if to not in plan.edge.stacks:
        raise RefusedError(
            f"Nothing in this project needs {to.upper()}, so no such server runs.",
            hint='Start it with `tandem up --asgi`, or set TANDEM["ASGI"]["ALWAYS"] to True.',
        )
    if not plan.is_supervised:
        raise RefusedError(
            "Only the edge runs on this host, and a shift needs a second program.",
            hint="Run the edge together with another role, such as `--role edge,wsgi`.",
        )


def _refuse_kind(route: Route, to: Stack) -> None:
    if route.protocol is Protocol.WEBSOCKET:
        raise RefusedError(
            f"{route.pattern} is a WebSocket, which ASGI alone can serve.",
            hint="Shift a route of the URLconf.",
        )
    if route.view.is_event_stream or route.view.is_async_stream:
        kind = "an event stream" if route.view.is_event_stream else "an async generator's stream"
        raise RefusedError(
            f"{route.pattern} is {kind}, which may never end: its sides can't be compared.",
            hint="Pin it instead, and reload: docs/how-to/pin-a-route.",
        )
    if not can_serve(route, to):
        raise RefusedError(
            f"{route.pattern} is served by asgi.py alone, so {to.upper()} does not have it.",
            hint="Shift a route of the URLconf.",
        )


def _refuse_paths(route: Route, plan: Plan) -> None:
    if route.is_branch or route.match.why_inexact:
        why = route.match.why_inexact or "that part of the URLconf is not followed"
        raise RefusedError(
            f"The edge can't distinguish {route.pattern} from other routes: {why}.",
            hint="Pin a path of it instead, and reload: docs/how-to/pin-a-route.",
        )
    path, is_exact = route.match.literal or route.match.prefix, route.match.literal is not None
    stripped = stripped_prefix(path, plan.edge.stripped_prefixes, is_exact=is_exact)
    if stripped:
        raise RefusedError(
            f'TANDEM["ROUTES"] strips "{stripped}" from the paths of {route.pattern}.',
            hint="Remove STRIP: the stacks must get the same path.",
        )


def _names(routes: Iterable[Route]) -> list[str]:
    found = [(route.pattern, route.name, route.view.dotted) for route in routes]
    return sorted({name for names in found for name in names if name})
