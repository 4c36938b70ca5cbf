"""System checks tandem.E### and tandem.W###, for `manage.py check` and `tandem up`."""

import sys
from collections.abc import Callable
from typing import Any

from django.core import checks as django_checks
from django.core.checks import CheckMessage

from django_tandem.errors import RefusedError

TAG = "tandem"


def register_all() -> None:
    """Register the checks with Django, once, as one that reads the project once."""
    django_checks.register(check_project, TAG)


def check_project(**_: Any) -> list[CheckMessage]:
    """
    Run the checks for `manage.py check`, and for no other command.

    Before `migrate`, `runserver` or `test` Django runs every check there is, and fails for an
    error. None of them serves the project as `tandem up` does, and none may be kept from working.
    """
    return _found(before_up=True) if sys.argv[1:2] == ["check"] else []


def refuse_failed_checks(say: Callable[[str], None]) -> None:
    """
    Run the checks and ``say`` what they found.

    Raises RefusedError when one of them is an error. Django's own list of silenced
    checks holds here too.
    """
    found = [message for message in _found(before_up=False) if not message.is_silenced()]
    for message in found:
        say(str(message))
    errors = dict.fromkeys(str(message.id) for message in found if message.is_serious())
    if errors:
        raise RefusedError(
            f"Not started: {', '.join(errors)} must be put right first.",
            hint="Or name it in SILENCED_SYSTEM_CHECKS, if you know better.",
        )


def _found(*, before_up: bool) -> list[CheckMessage]:
    # Every process of a project that lists the app imports this package, to register with
    # Django; few of them run the checks, and none pays for them before.
    from django_tandem.checks.findings import read_findings  # noqa: PLC0415

    return read_findings(before_up=before_up)
