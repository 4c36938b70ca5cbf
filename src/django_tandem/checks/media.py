"""The project's uploaded files, and the views in front of them."""

from collections.abc import Iterable

from django.conf import settings as django_settings
from django.views.static import serve

from django_tandem.checks.facts import Media
from django_tandem.model import Route
from django_tandem.project.loading import site_files
from django_tandem.project.urlconf import Endpoint


def read_media(routes: Iterable[tuple[Endpoint, Route]]) -> Media | None:
    """Return what the edge would serve below MEDIA_URL; None when that is no place of this site."""
    files = site_files(django_settings.MEDIA_URL, django_settings.MEDIA_ROOT)
    if files is None:
        return None
    return Media(
        prefix=files.prefix,
        # Django's own view serves to everyone too, but what wraps it is there to guard it.
        views=tuple(
            f"{route.pattern} ({route.view.dotted})"
            for endpoint, route in routes
            if endpoint.callback is not serve and route.match.prefix.startswith(files.prefix)
        ),
    )
