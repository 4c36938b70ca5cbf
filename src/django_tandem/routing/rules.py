"""What decides a route's stack: one function a rule, each with its reason in words."""

from collections.abc import Callable, Sequence

from django_tandem.model import Pin, Protocol, Route, Stack, Verdict

Rule = Callable[[Route, tuple[Pin, ...]], Verdict | None]


def pinned_by_setting(route: Route, pins: tuple[Pin, ...]) -> Verdict | None:
    """Follow the first pin that holds for ``route``; a WebSocket can't follow one to WSGI."""
    index = deciding_pin(route, pins)
    if index is None:
        return None
    reason = f'pinned by TANDEM["ROUTES"][{index}]'
    return Verdict(route=route, stack=pins[index].stack, reason=reason)


def marked_in_code(route: Route, _: tuple[Pin, ...]) -> Verdict | None:
    """Follow ``@on_wsgi`` and ``@on_asgi``."""
    mark = route.view.mark
    if mark is None or _is_impossible(route, mark):
        return None
    return Verdict(route=route, stack=mark, reason=f"marked @on_{mark}")


def is_websocket(route: Route, _: tuple[Pin, ...]) -> Verdict | None:
    """Serve a WebSocket by ASGI: WSGI has none."""
    if route.protocol is Protocol.WEBSOCKET:
        return Verdict(route=route, stack=Stack.ASGI, reason="a WebSocket consumer")
    return None


def is_coroutine(route: Route, _: tuple[Pin, ...]) -> Verdict | None:
    """Serve by ASGI what Django itself would await."""
    if route.view.is_coroutine:
        return Verdict(route=route, stack=Stack.ASGI, reason="an async view")
    return None


def is_synchronous(route: Route, _: tuple[Pin, ...]) -> Verdict | None:
    """Serve everything else by WSGI."""
    wrapper = route.view.wrapper
    over = f"a synchronous wrapper over an async view ({wrapper})" if wrapper else ""
    return Verdict(route=route, stack=Stack.WSGI, reason=over or "a synchronous view")


# The first rule that answers wins, so the order is the policy.
RULES: tuple[Rule, ...] = (
    pinned_by_setting,
    marked_in_code,
    is_websocket,
    is_coroutine,
    is_synchronous,
)


def deciding_pin(route: Route, pins: Sequence[Pin]) -> int | None:
    """Return the index of the pin that decides where ``route`` belongs, if one does."""
    for index, pin in enumerate(pins):
        if holds(pin, route) and not _is_impossible(route, pin.stack):
            return index
    return None


def holds(pin: Pin, route: Route) -> bool:
    """Return whether ``pin`` speaks of ``route``: by its path, URL name, namespace or view."""
    if pin.path is not None:
        return route.match.literal == pin.path
    if not pin.is_prefix:
        is_named = pin.target in {route.name, route.view.dotted}
        return is_named or (route.name or "").startswith(f"{pin.target}:")
    if route.protocol is Protocol.WEBSOCKET:
        # Channels strips every leading slash, so no prefix but "/" is sure of it.
        return route.pattern.startswith(pin.target)
    return route.match.prefix.startswith(pin.target)


def _is_impossible(route: Route, stack: Stack) -> bool:
    return route.protocol is Protocol.WEBSOCKET and stack is Stack.WSGI
