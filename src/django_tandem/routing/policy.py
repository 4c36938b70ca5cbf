"""
The routing policy: which stack serves a route, and why.

The plan decides by it before anything is started, a served process once it has resolved a
request, and `tandem explain` for one URL. So it imports neither Django nor what plans.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from django_tandem.model import Pin, Protocol, Route, Stack, Verdict
from django_tandem.routing.pins import can_serve, deciding_pin

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
    # A pin of paths has an exact rule of its own.
    is_of_route = not pin.is_of_paths and route.protocol is Protocol.HTTP
    return bool(route.match.why_inexact) and is_of_route and pin.stack is Stack.ASGI
