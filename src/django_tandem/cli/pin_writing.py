"""The pin of a route that was shifted, written into the project's settings."""

import os
import stat
import sys
from pathlib import Path

from django.conf import settings as django_settings

from django_tandem.atomic_files import remove_abandoned, replace_file
from django_tandem.errors import RefusedError
from django_tandem.model import Pin, Plan, Route, Stack, Verdict
from django_tandem.project.pinning import pin_text, with_pin
from django_tandem.routing.policy import can_serve, covers


def pin_of(plan: Plan, verdict: Verdict, to: Stack) -> Pin:
    """
    Return the pin that moves the route of ``verdict`` to a stack, and no other route.

    Raises RefusedError where each name of the route is that of others, too.
    """
    route = verdict.route
    names = [f"={route.match.literal}" if route.match.literal else None, route.name]
    pins = [Pin(target=each, stack=to) for each in (*names, route.view.dotted) if each]
    moved = [_others_moved(pin, plan, route) for pin in pins]
    if all(moved):
        raise RefusedError(
            f'"{pins[0].target}" names {", ".join(moved[0])} as well as {route.pattern}, and '
            f"{route.pattern} alone was shifted.",
            hint=f"Give {route.pattern} a unique URL name, reload, and run the command again.",
        )
    return next(pin for pin, others in zip(pins, moved, strict=True) if not others)


def _others_moved(pin: Pin, plan: Plan, route: Route) -> list[str]:
    """Return the patterns of the other routes that would follow ``pin`` to another stack."""
    found = [
        each.route.pattern
        for each in plan.verdicts
        if each.pin is None and each.stack is not pin.stack
        if covers(pin, each.route) and can_serve(each.route, pin.stack)
    ]
    return sorted({*found} - {route.pattern})


def write_pin(plan: Plan, verdict: Verdict, pin: Pin) -> Path:
    """
    Write the pin of a route to the module of the settings, and return its path.

    Raises RefusedError, with the text to paste, where the module is not one to edit.
    """
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
            f"{path} was not edited: it has no literal dict TANDEM.",
            hint=f'Add this entry to TANDEM["ROUTES"]: {pin_text(pin)}',
        )
    try:
        _replace(path.resolve(), edited.encode())
    except OSError as error:
        raise RefusedError(
            f"{path} can't be written: {error.strerror}.",
            hint=f'Add this entry to TANDEM["ROUTES"]: {pin_text(pin)}',
        ) from error
    return path


def _read(path: Path) -> str | None:
    try:
        # Not as a text file: its line ends are kept.
        return path.read_bytes().decode()
    except (OSError, UnicodeDecodeError):
        return None


def _replace(path: Path, content: bytes) -> None:
    """Replace a file whole, as a full disk would empty one that is written in place."""
    before = path.stat()
    is_own = (before.st_uid, before.st_gid) == (os.geteuid(), os.getegid())
    remove_abandoned(path.parent)
    replace_file(
        path,
        content,
        mode=stat.S_IMODE(before.st_mode),
        owner=None if is_own else (before.st_uid, before.st_gid),
        is_durable=True,
    )
