"""Routes and pins to verdicts: which stack serves what, and why."""

from collections.abc import Iterable
from dataclasses import replace

from django_tandem.errors import SettingError, did_you_mean
from django_tandem.model import Pin, Protocol, Route, Stack, Verdict
from django_tandem.routing.contradictions import refuse_contradictions
from django_tandem.routing.rules import RULES, holds


def decide(
    routes: Iterable[Route], pins: Iterable[Pin], *, handover: bool = True
) -> tuple[Verdict, ...]:
    """
    Return one verdict a route, in the routes' order.

    Without the ``handover`` a route whose paths the edge can't know exactly stays on WSGI.

    Raise SettingError for a pin that names nothing, and for two that contradict each other.
    """
    routes, pins = tuple(routes), tuple(pins)
    refuse_contradictions(pins, routes)
    _refuse_unknown(pins, routes)
    return tuple(_verdict(route, pins, handover=handover) for route in routes)


def _verdict(route: Route, pins: tuple[Pin, ...], *, handover: bool) -> Verdict:
    verdict = next(filter(None, (rule(route, pins) for rule in RULES)))
    if not route.match.inexact or _is_sure(route, pins):
        return verdict
    if handover:
        # The edge sends all that may be its to WSGI, which hands over what is.
        by_hand = f"{verdict.reason}; sorted out by the hand-over: {route.match.inexact}"
        return replace(verdict, reason=by_hand)
    if verdict.stack is Stack.WSGI:
        return verdict
    # WSGI serves an async view too, if slowly; on ASGI the paths of other routes would follow.
    reason = f"{verdict.reason}, but its paths are not known exactly: {route.match.inexact}"
    return replace(verdict, stack=Stack.WSGI, reason=reason)


def _is_sure(route: Route, pins: tuple[Pin, ...]) -> bool:
    is_pinned = any(pin.is_prefix and holds(pin, route) for pin in pins)
    return is_pinned or route.protocol is Protocol.WEBSOCKET


def _refuse_unknown(pins: tuple[Pin, ...], routes: tuple[Route, ...]) -> None:
    for index, pin in enumerate(pins):
        if pin.is_of_paths:
            continue
        if not any(holds(pin, route) for route in routes):
            message = f'TANDEM["ROUTES"][{index}]: "{pin.target}" is no URL name of this project.'
            hint = did_you_mean(
                pin.target,
                _known(routes),
                otherwise="A path begins with a slash; `tandem plan` lists the names there are.",
            )
            raise SettingError(message, hint=hint)


def _known(routes: tuple[Route, ...]) -> list[str]:
    names = [route.name for route in routes if route.name]
    spaces = [name.rpartition(":")[0] for name in names if ":" in name]
    return sorted({*names, *spaces})
