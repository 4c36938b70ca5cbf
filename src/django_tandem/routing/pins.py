"""Pins: which routes each one covers, and whether they can all be meant."""

from collections.abc import Iterable, Sequence
from itertools import combinations

from django_tandem.errors import SettingError, did_you_mean
from django_tandem.model import Pin, Protocol, Route, Stack


def covers(pin: Pin, route: Route, path: str | None = None) -> bool:
    """
    Return whether ``pin`` covers ``route``: by its path, URL name, namespace or view.

    With a ``path``, whether it covers the request for ``path`` that ``route`` answers.
    """
    if not pin.is_of_paths:
        is_named = pin.target in {route.name, route.view.dotted}
        return is_named or (route.name or "").startswith(f"{pin.target}:")
    if path is not None:
        return pin.holds_for(path)
    if pin.path is not None:
        return route.match.literal == pin.path
    if route.protocol is Protocol.WEBSOCKET:
        # Channels strips every leading slash, so only "/" is a prefix of every path.
        return route.pattern.startswith(pin.target)
    return route.match.prefix.startswith(pin.target)


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
