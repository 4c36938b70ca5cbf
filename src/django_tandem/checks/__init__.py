"""System checks tandem.E### and tandem.W###: a function each, and a line here."""

from collections.abc import Callable, Sequence

from django.core import checks as django_checks
from django.core.checks import CheckMessage

from django_tandem.errors import RefusedError

Check = Callable[..., Sequence[CheckMessage]]

TAG = "tandem"

CHECKS: tuple[Check, ...] = ()


def register_all() -> None:
    """Register each check with Django, once."""
    for check in CHECKS:
        django_checks.register(check, TAG)


def refuse_failed_checks(say: Callable[[str], None]) -> None:
    """
    Run the checks and ``say`` what they found.

    Raises RefusedError when one of them is an error. Django's own list of silenced
    checks holds here too.
    """
    register_all()
    found = [each for each in django_checks.run_checks(tags=[TAG]) if not each.is_silenced()]
    for message in found:
        say(str(message))
    errors = [message.id or "" for message in found if message.is_serious()]
    if errors:
        raise RefusedError(
            f"Not started: {', '.join(errors)} must be put right first.",
            hint="Or name it in SILENCED_SYSTEM_CHECKS, if you know better.",
        )
