"""Checks of the files that the edge serves: that there are any, and that nobody guards them."""

from django.core.checks import CheckMessage, Error, Warning  # noqa: A004 - Django's own name

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


def media_has_no_guard(facts: Facts) -> list[CheckMessage]:
    """Find uploaded files that a view guards, and that the edge gives to everyone."""
    if facts.media is None or not facts.media.views:
        return []
    return [
        Error(
            f'TANDEM["EDGE"]["MEDIA"] is True, so the edge gives the files below '
            f'"{facts.media.prefix}" to everyone, and asks none of the views that the URLconf has '
            f"there: {', '.join(facts.media.views)}.",
            hint='Set TANDEM["EDGE"]["MEDIA"] to False, so that the views are asked.',
            obj="TANDEM",
            id="tandem.E011",
        )
    ]
