"""Checks of the static files: that there is a directory to serve, and something in it."""

from django.core.checks import CheckMessage, Warning  # noqa: A004 - Django's own name

from django_tandem.checks.facts import Facts


def static_root_is_set(facts: Facts) -> list[CheckMessage]:
    """Find static files that have no directory to be collected in."""
    if facts.static is None or facts.static.root is not None:
        return []
    return [
        Warning(
            f'STATIC_ROOT is not set, so no static file is served below "{facts.static.url}".',
            hint='Set it, say to BASE_DIR / "staticfiles", and run `manage.py collectstatic`.',
            obj="STATIC_ROOT",
            id="tandem.W003",
        )
    ]


def static_files_are_collected(facts: Facts) -> list[CheckMessage]:
    """Find a STATIC_ROOT that nothing was collected in."""
    if facts.static is None or facts.static.root is None or facts.static.is_collected:
        return []
    return [
        Warning(
            f'STATIC_ROOT is "{facts.static.root}", where there are no files, so no static file '
            f'is served below "{facts.static.url}".',
            hint="Run `manage.py collectstatic`.",
            obj="STATIC_ROOT",
            id="tandem.W004",
        )
    ]
