"""Checks of what the edge serves and replaces: static and uploaded files, the scheme."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from django.conf import settings as django_settings
from django.contrib.staticfiles.finders import get_finders
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004 - Django's own name
from django.views.static import serve

from django_tandem.checks.facts import Facts, Https, Media, Static
from django_tandem.model import Role, Route
from django_tandem.project.loading import site_files
from django_tandem.project.urlconf import UrlEndpoint


def static_root_is_set(facts: Facts) -> Iterator[CheckMessage]:
    """Find static files without a STATIC_ROOT."""
    if facts.static is None or facts.static.root is not None:
        return
    yield Warning(
        f'STATIC_ROOT is not set, so no static file is served below "{facts.static.url}".',
        hint='Set it, such as to BASE_DIR / "staticfiles", and run `manage.py collectstatic`.',
        obj="STATIC_ROOT",
        id="tandem.W003",
    )


def static_files_are_collected(facts: Facts) -> Iterator[CheckMessage]:
    """Find a STATIC_ROOT without any file, on a host that serves it."""
    if facts.static is None or facts.static.root is None or facts.static.is_collected:
        return
    # The edge has its own copy. Without one, WhiteNoise may serve the files from a stack.
    if Role.EDGE not in facts.plan.roles and not facts.plan.overrides.is_direct:
        return
    yield Warning(
        f'STATIC_ROOT is "{facts.static.root}", which holds no files, so no static file is '
        f'served below "{facts.static.url}".',
        hint="Run `manage.py collectstatic`.",
        obj="STATIC_ROOT",
        id="tandem.W004",
    )


def media_has_no_guard(facts: Facts) -> Iterator[CheckMessage]:
    """Find uploaded files that a view guards and the edge serves to everyone."""
    if facts.media is None or not facts.media.views:
        return
    yield Error(
        f'TANDEM["EDGE"]["MEDIA"] is True, so the edge serves the files below '
        f'"{facts.media.prefix}" to everyone, and bypasses the views of the URLconf there: '
        f"{', '.join(facts.media.views)}.",
        hint='Set TANDEM["EDGE"]["MEDIA"] to False, so that the views decide.',
        obj="TANDEM",
        id="tandem.E011",
    )


def read_static() -> Static | None:
    """Return the static files; None when there are none, or the edge does not serve them."""
    url = django_settings.STATIC_URL
    if not _is_edges(url) or not any(_files()):
        return None
    root = django_settings.STATIC_ROOT
    return Static(
        url=url,
        root=str(root) if root else None,
        is_collected=bool(root) and _holds_any(Path(root)),
    )


def _is_edges(url: str | None) -> bool:
    # With DEBUG, Django serves them from the apps, and not from STATIC_ROOT.
    if django_settings.DEBUG or "django.contrib.staticfiles" not in django_settings.INSTALLED_APPS:
        return False
    # WhiteNoise can serve them from the apps too.
    whitenoise = getattr(django_settings, "WHITENOISE_USE_FINDERS", False)
    return bool(url) and str(url).startswith("/") and not whitenoise


def _files() -> Iterator[bool]:
    for finder in get_finders():
        for _ in finder.list([]):
            yield True


def _holds_any(directory: Path) -> bool:
    try:
        with os.scandir(directory) as entries:
            return any(True for _ in entries)
    except OSError:
        return False


def read_media(routes: Iterable[tuple[UrlEndpoint, Route]]) -> Media | None:
    """Return the files below MEDIA_URL; None when it is not a path of this site."""
    files = site_files(django_settings.MEDIA_URL, django_settings.MEDIA_ROOT)
    if files is None:
        return None
    return Media(
        prefix=files.prefix,
        # Django's own view serves to everyone too, but a wrapper around it is a guard.
        views=tuple(
            f"{route.pattern} ({route.view.dotted})"
            for endpoint, route in routes
            if endpoint.callback is not serve and route.match.prefix.startswith(files.prefix)
        ),
    )


_HINT = (
    'Set TANDEM["EDGE"]["TRUSTED_PROXIES"] to the addresses of the proxy that ends TLS, such as '
    '["10.0.0.0/8"]; or TANDEM["EDGE"]["TLS"], where clients connect to this edge.'
)


def forwarded_scheme_is_trusted(facts: Facts) -> Iterator[CheckMessage]:
    """Find settings that expect HTTPS from a proxy whose headers the edge replaces."""
    edge, https = facts.plan.edge, facts.https
    if edge.tls is not None or edge.trusted_proxies:
        return
    if https.proxy_header:
        forever = ", so SECURE_SSL_REDIRECT redirects forever" if https.redirects else ""
        message = (
            f'SECURE_PROXY_SSL_HEADER reads "{https.proxy_header}", which the edge replaces: it '
            f"trusts no proxy, and every request counts as plain HTTP{forever}."
        )
    elif https.redirects:
        message = (
            "SECURE_SSL_REDIRECT is True, and the edge has no TLS and trusts no proxy, so "
            "every request is redirected forever."
        )
    else:
        return
    setting = "SECURE_PROXY_SSL_HEADER" if https.proxy_header else "SECURE_SSL_REDIRECT"
    yield Warning(message, hint=_HINT, obj=setting, id="tandem.W013")


def redirect_has_names(facts: Facts) -> Iterator[CheckMessage]:
    """Find a redirect to HTTPS for hosts that Django would reject."""
    edge = facts.plan.edge
    if not edge.redirects or edge.server_names or "*" in facts.allowed_hosts:
        return
    yield Warning(
        'TANDEM["EDGE"]["REDIRECT"] redirects a request for any host to HTTPS on that host, before '
        "Django compares it with ALLOWED_HOSTS.",
        hint='Set TANDEM["EDGE"]["SERVER_NAMES"] to the host names of the site, such as '
        '["www.example.com"]: a request for any other host then gets 421.',
        obj="TANDEM",
        id="tandem.W019",
    )


def read_https() -> Https:
    """Return what the settings expect of a proxy that ends TLS."""
    header = django_settings.SECURE_PROXY_SSL_HEADER
    uses_middleware = "django.middleware.security.SecurityMiddleware" in django_settings.MIDDLEWARE
    return Https(
        proxy_header=_as_sent(str(header[0])) if header else None,
        redirects=bool(django_settings.SECURE_SSL_REDIRECT) and uses_middleware,
    )


def _as_sent(key: str) -> str:
    return key.removeprefix("HTTP_").replace("_", "-").title()
