"""Pins that contradict each other: then one of the two would decide nothing, in silence."""

from collections.abc import Iterable
from itertools import combinations

from django_tandem.errors import SettingError
from django_tandem.model import Pin, Route
from django_tandem.routing.rules import deciding_pin, holds


def refuse_contradictions(pins: tuple[Pin, ...], routes: Iterable[Route]) -> None:
    """Raise SettingError for the first two of ``pins`` that can't both be meant."""
    routes = tuple(routes)
    for (earlier, first), (later, second) in combinations(enumerate(pins), 2):
        if first.target == second.target:
            _refuse_same(f"{_entry(earlier)} and {_entry(later)}", first, second)
        elif first.stack is not second.stack and _covers(first, second):
            _refuse_covered(pins, earlier, later)
    for later, pin in enumerate(pins):
        if not pin.is_of_paths:
            earliest = _took_all(pins, later, routes)
            if earliest is not None:
                _refuse_covered(pins, earliest, later)


def _refuse_same(both: str, first: Pin, second: Pin) -> None:
    if first.stack is not second.stack:
        message = f'{both} pin "{first.target}" to both stacks.'
        raise SettingError(message, hint="Remove one of them.")
    if first.strip is not second.strip:
        message = f'{both} both pin "{first.target}", but only one of them has STRIP.'
        raise SettingError(message, hint="Remove one of them.")


def _covers(first: Pin, second: Pin) -> bool:
    target = second.path or second.target
    return first.is_prefix and second.is_of_paths and target.startswith(first.target)


def _took_all(pins: tuple[Pin, ...], later: int, routes: tuple[Route, ...]) -> int | None:
    # Only where each went to the other stack: what shares a stack with the pin is as it says.
    pin = pins[later]
    # A WebSocket follows none to WSGI, so that no pin up to here may decide it.
    found = [deciding_pin(route, pins[: later + 1]) for route in routes if holds(pin, route)]
    deciding = [index for index in found if index is not None]
    is_taken = all(pins[index].stack is not pin.stack for index in deciding)
    return min(deciding) if deciding and is_taken else None


def _refuse_covered(pins: tuple[Pin, ...], earlier: int, later: int) -> None:
    message = (
        f'{_entry(earlier)} pins "{pins[earlier].target}" to {pins[earlier].stack}, which leaves '
        f'nothing for {_entry(later)} to pin "{pins[later].target}" to {pins[later].stack}.'
    )
    hint = "The first pin that holds wins: put the longer or narrower one first."
    raise SettingError(message, hint=hint)


def _entry(index: int) -> str:
    return f'TANDEM["ROUTES"][{index}]'
