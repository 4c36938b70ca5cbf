"""Checks of what everything else is read from: the TANDEM setting and the ASGI application."""

from django.core.checks import CheckMessage, Error

from django_tandem.checks.facts import Facts


def setting_is_read(facts: Facts) -> list[CheckMessage]:
    """Find a TANDEM setting that `tandem` would refuse."""
    error = facts.setting_error
    if error is None:
        return []
    return [Error(error.message, hint=error.hint, obj="TANDEM", id="tandem.E001")]


def application_is_imported(facts: Facts) -> list[CheckMessage]:
    """Find an ASGI application that can't be imported."""
    error = facts.asgi_error
    if error is None:
        return []
    return [Error(error.message, hint=error.hint, obj=facts.asgi, id="tandem.E002")]
