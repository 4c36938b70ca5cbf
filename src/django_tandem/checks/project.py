"""Checks of what everything else is read from: the settings and the ASGI application."""

from django.core.checks import CheckMessage, Error, Warning  # noqa: A004 - Django's own name

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


def entry_points_agree(facts: Facts) -> list[CheckMessage]:
    """Find a wsgi.py and an asgi.py that name different settings."""
    if len({entry.settings_module for entry in facts.entry_points}) < 2:
        return []
    named = ", ".join(
        f'{entry.file} names "{entry.settings_module}"' for entry in facts.entry_points
    )
    return [
        Warning(
            f"The stacks are meant to have different settings: {named}.",
            hint="Name the same in each. `tandem` serves both stacks by one settings module: that "
            "of --settings, else of DJANGO_SETTINGS_MODULE, else of manage.py.",
            obj=facts.entry_points[-1].file,
            id="tandem.W008",
        )
    ]
