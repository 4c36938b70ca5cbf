"""The pin of a route that was shifted, written into the project's settings."""

import sys
from pathlib import Path

from django.conf import settings as django_settings

from django_tandem.errors import RefusedError
from django_tandem.model import Pin, Plan, Stack, Verdict
from django_tandem.project.pinning import pin_text, with_pin


def pin_of(verdict: Verdict, to: Stack) -> str:
    """Return the entry of TANDEM["ROUTES"] for a route."""
    return pin_text(_pin(verdict, to))


def _pin(verdict: Verdict, to: Stack) -> Pin:
    route = verdict.route
    literal = f"={route.match.literal}" if route.match.literal else None
    return Pin(target=literal or route.name or route.view.dotted, stack=to)


def write_pin(plan: Plan, verdict: Verdict, to: Stack) -> Path:
    """
    Write the pin of a route to the module of the settings, and return its path.

    Raises RefusedError, with the text to paste, where the module is not one to edit.
    """
    pin = _pin(verdict, to)
    if verdict.pin is not None:
        raise RefusedError(
            f'TANDEM["ROUTES"][{verdict.pin}] pins {verdict.route.pattern} to '
            f"{verdict.stack.upper()}, and the first pin counts.",
            hint=f"Replace that entry by {pin_text(pin)}.",
        )
    module = sys.modules[plan.project.settings_module]
    path = Path(module.__file__ or "")
    has_setting = getattr(django_settings, "TANDEM", None) is not None
    source = _read(path)
    edited = with_pin(source, pin, has_setting=has_setting) if source is not None else None
    if edited is None:
        raise RefusedError(
            f"{path} has no TANDEM that is written out as one dict, so that it is not edited.",
            hint=f'Add this entry to TANDEM["ROUTES"]: {pin_text(pin)}',
        )
    # Not replaced: the file keeps its owner, its mode and its links.
    path.write_text(edited)
    return path


def _read(path: Path) -> str | None:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError):
        return None
