"""
The routing policy: which stack serves a route, and why.

The plan decides by it before anything is started, a served process once it has resolved a
request, and `tandem explain` for one URL. So it imports neither Django nor what plans.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import combinations

from django_tandem.errors import SettingError, did_you_mean
from django_tandem.model import Pin, Protocol, Route, Stack, Verdict

Rule = Callable[[Route], Verdict | None]


def mark_rule(route: Route) -> Verdict | None:
    """Follow ``@on_wsgi`` and ``@on_asgi``."""
    mark = route.view.mark
    if mark is None or not can_serve(route, mark):
        return None
    return Verdict(route=route, stack=mark, reason=f"marked @on_{mark}")


def websocket_rule(route: Route) -> Verdict | None:
    """Serve a WebSocket by ASGI: WSGI has none."""
    if route.protocol is Protocol.WEBSOCKET:
        return Verdict(route=route, stack=Stack.ASGI, reason="a WebSocket consumer")
    return None


def outside_urlconf_rule(route: Route) -> Verdict | None:
    """Serve by ASGI what the ASGI application serves without Django's URLconf."""
    if not route.by_django:
        return Verdict(route=route, stack=Stack.ASGI, reason="served by asgi.py alone")
    return None


def coroutine_rule(route: Route) -> Verdict | None:
    """Serve by ASGI what Django itself would await."""
    if route.view.is_coroutine:
        return Verdict(route=route, stack=Stack.ASGI, reason="an async view")
    return None


def event_stream_rule(route: Route) -> Verdict | None:
    """Serve by ASGI what would hold a WSGI worker for as long as a client listens."""
    if route.view.is_event_stream:
        return Verdict(route=route, stack=Stack.ASGI, reason="an event stream")
    return None


def async_stream_rule(route: Route) -> Verdict | None:
    """Serve by ASGI what WSGI would collect to its end before it sends the first part."""
    if route.view.is_async_stream:
        return Verdict(route=route, stack=Stack.ASGI, reason="an async stream")
    return None


def synchronous_rule(route: Route) -> Verdict:
    """Serve everything else by WSGI."""
    wrapper = route.view.wrapper
    over = f"a synchronous wrapper over an async view ({wrapper})" if wrapper else ""
    return Verdict(route=route, stack=Stack.WSGI, reason=over or "a synchronous view")


# After the pins the first rule that returns a verdict wins, so the order is the policy.
RULES: tuple[Rule, ...] = (
    mark_rule,
    websocket_rule,
    outside_urlconf_rule,
    coroutine_rule,
    event_stream_rule,
    async_stream_rule,
    synchronous_rule,
)


def decide(
    route: Route, pins: Sequence[Pin], *, path: str | None = None, handover: bool = True
) -> Verdict:
    """
    Return the verdict for ``route``, or for the request for ``path`` that it answers.

    Without the ``handover`` a route whose paths the edge can't match exactly stays on WSGI.
    """
    index = deciding_pin(route, pins, path)
    if index is not None:
        reason = f'pinned by TANDEM["ROUTES"][{index}]'
        if path is None and _takes_more(route, pins[index]):
            reason += f", with all paths that may match: {route.match.why_inexact}"
        return Verdict(route=route, stack=pins[index].stack, reason=reason, pin=index)
    verdict = next(filter(None, (rule(route) for rule in RULES)))
    # A WebSocket is recognized by its handshake, and asgi.py gets all that may be its own.
    is_inexact = route.match.why_inexact and can_serve(route, Stack.WSGI)
    return _inexact(verdict, handover=handover) if is_inexact else verdict


def decide_all(
    routes: Iterable[Route], pins: Iterable[Pin], *, handover: bool = True
) -> tuple[Verdict, ...]:
    """Return one verdict for each route, in the routes' order; check_pins() judges the pins."""
    pins = tuple(pins)
    return tuple(decide(route, pins, handover=handover) for route in routes)


def _inexact(verdict: Verdict, *, handover: bool) -> Verdict:
    why = verdict.route.match.why_inexact
    if verdict.stack is Stack.WSGI:
        return verdict
    if handover:
        # The edge sends all paths that may be the route's to WSGI, which hands over those that are.
        return replace(
            verdict, reason=f"{verdict.reason}, decided by the handover per request: {why}"
        )
    # WSGI serves an async view too, if slowly; ASGI would get the paths of other routes as well.
    reason = f"{verdict.reason}, but its paths are not known exactly: {why}"
    return replace(verdict, stack=Stack.WSGI, reason=reason)


def _takes_more(route: Route, pin: Pin) -> bool:
    # A pin of paths has a separate, exact rule.
    is_of_route = not pin.is_of_paths and route.protocol is Protocol.HTTP
    return bool(route.match.why_inexact) and is_of_route and pin.stack is Stack.ASGI


def covers(pin: Pin, route: Route, path: str | None = None) -> bool:
    """
    Return whether ``pin`` covers ``route``: by its path, URL name, namespace or view.

    With a ``path``, whether it covers the request for ``path`` that ``route`` answers.
    """
    if not pin.is_of_paths:
        return is_named(pin.target, route)
    if path is not None:
        return pin.holds_for(path)
    if pin.path is not None:
        return route.match.literal == pin.path
    if route.protocol is Protocol.WEBSOCKET:
        # Channels strips every leading slash, so only "/" is a prefix of every path.
        return route.pattern.startswith(pin.target)
    return route.match.prefix.startswith(pin.target)


def is_named(name: str, route: Route) -> bool:
    """Return whether ``name`` is the URL name, a namespace or the view of ``route``."""
    return name in {route.name, route.view.dotted} or (route.name or "").startswith(f"{name}:")


def deciding_pin(route: Route, pins: Sequence[Pin], path: str | None = None) -> int | None:
    """Return the index of the first pin that covers ``route`` and can be followed."""
    for index, pin in enumerate(pins):
        if covers(pin, route, path) and can_serve(route, pin.stack):
            return index
    return None


def can_serve(route: Route, stack: Stack) -> bool:
    """Return whether ``stack`` can serve ``route`` at all: WSGI has the URLconf, and no more."""
    is_wsgi = route.by_django and route.protocol is not Protocol.WEBSOCKET
    return is_wsgi or stack is Stack.ASGI


def check_pins(pins: Sequence[Pin], routes: Iterable[Route]) -> None:
    """Raise SettingError for a pin that names nothing, or for two that contradict each other."""
    routes = tuple(routes)
    for index, pin in enumerate(pins):
        _refuse_wildcard(index, pin)
    for (earlier, first), (later, second) in combinations(enumerate(pins), 2):
        if first.target == second.target:
            _refuse_same(f"{_entry(earlier)} and {_entry(later)}", first, second)
        elif first.stack is not second.stack and _includes(first, second):
            _refuse_covered(pins, earlier, later)
    for index, pin in enumerate(pins):
        if not pin.is_of_paths:
            _refuse_unreachable(pins, index, routes)
            _refuse_unknown(index, pin, routes)


def _refuse_wildcard(index: int, pin: Pin) -> None:
    target = pin.target.rstrip("*")
    if "*" not in pin.target:
        return
    if "*" in target or not target:
        hint = "Pin each route by its URL name, its namespace or its view's dotted path."
    elif target.startswith("/"):
        hint = f'Write "{target}": it covers every path that begins with it.'
    else:
        hint = f'Write "{target.rstrip(":.")}": a namespace covers all names in it.'
    message = f'{_entry(index)}: "{pin.target}" has a wildcard, and pins have none.'
    raise SettingError(message, hint=hint)


def _refuse_same(both: str, first: Pin, second: Pin) -> None:
    if first.stack is not second.stack:
        message = f'{both} pin "{first.target}" to both stacks.'
        raise SettingError(message, hint="Remove one of them.")
    if first.strip is not second.strip:
        message = f'{both} both pin "{first.target}", but only one of them has STRIP.'
        raise SettingError(message, hint="Remove one of them.")


def _includes(first: Pin, second: Pin) -> bool:
    target = second.path or second.target
    return first.is_prefix and second.is_of_paths and target.startswith(first.target)


def _refuse_unreachable(pins: Sequence[Pin], later: int, routes: tuple[Route, ...]) -> None:
    # Only where each route went to the other stack: a pin to the same stack agrees with this one.
    # A WebSocket follows no pin to WSGI, so it may be decided by none up to here.
    pin = pins[later]
    found = [deciding_pin(route, pins[: later + 1]) for route in routes if covers(pin, route)]
    deciding = [index for index in found if index is not None]
    if deciding and all(pins[index].stack is not pin.stack for index in deciding):
        _refuse_covered(pins, min(deciding), later)


def _refuse_covered(pins: Sequence[Pin], earlier: int, later: int) -> None:
    message = (
        f'{_entry(earlier)} pins "{pins[earlier].target}" to {pins[earlier].stack}, which leaves '
        f'nothing for {_entry(later)} to pin "{pins[later].target}" to {pins[later].stack}.'
    )
    hint = "The first pin that matches wins: put the longer or narrower one first."
    raise SettingError(message, hint=hint)


def _refuse_unknown(index: int, pin: Pin, routes: tuple[Route, ...]) -> None:
    if any(covers(pin, route) for route in routes):
        return
    hint = did_you_mean(
        pin.target,
        _names(routes),
        otherwise="A path begins with a slash; `tandem plan` lists the names.",
    )
    message = f'{_entry(index)}: "{pin.target}" is not a URL name, a namespace or a view.'
    raise SettingError(message, hint=hint)


def _names(routes: tuple[Route, ...]) -> list[str]:
    names = [route.name for route in routes if route.name]
    spaces = [name.rpartition(":")[0] for name in names if ":" in name]
    views = [route.view.dotted for route in routes]
    return sorted({*names, *spaces, *views})


def _entry(index: int) -> str:
    return f'TANDEM["ROUTES"][{index}]'
