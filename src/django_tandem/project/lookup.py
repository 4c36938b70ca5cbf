"""What answers a path: a route by Django's and Channels' own patterns, or a middleware."""

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.core.handlers.wsgi import WSGIRequest, get_script_name
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound
from django.middleware.common import CommonMiddleware
from django.middleware.locale import LocaleMiddleware
from django.urls import Resolver404, ResolverMatch, URLResolver, get_resolver, set_script_prefix
from django.utils import translation
from django.utils.encoding import repercent_broken_unicode
from django.utils.module_loading import import_string

from django_tandem.inprocess.policy import route_text
from django_tandem.inprocess.proxy_headers import split_target
from django_tandem.model import Protocol, Route
from django_tandem.project.asgi_routes import websocket_routes
from django_tandem.project.path_match import languages
from django_tandem.project.urlconf import UrlEndpoint, endpoints, route_of, shown


def path_of(target: str) -> str:
    """Return the decoded path that both stacks resolve for a request ``target``."""
    octets = split_target(target.encode(), settings.FORCE_SCRIPT_NAME or "").path_info
    return str(repercent_broken_unicode(octets).decode())


def is_static(path: str) -> bool:
    """Return whether Django's own static files handler serves ``path``."""
    given = urlsplit(settings.STATIC_URL or "")
    return bool(given.path) and not given.netloc and path.startswith(given.path)


def is_file(path: str) -> bool:
    """Return whether ``path`` is below STATIC_URL or MEDIA_URL, where the edge serves files."""
    media = urlsplit(settings.MEDIA_URL or "")
    # The default, "/", is not a prefix.
    is_media = media.path not in ("", "/") and not media.netloc and path.startswith(media.path)
    return is_static(path) or is_media


def pattern_of(path: str) -> str | None:
    """Return the pattern of the route that answers ``path``, as the stacks name it for the logs."""
    with translation.override(_language_of(path)):
        try:
            return route_text(get_resolver().resolve(path))
        except Resolver404:
            return None


def resolve_http(
    path: str, routes: Iterable[Route], resolver: URLResolver | None = None
) -> Route | None:
    """Return which of ``routes``, those below ``resolver``, answers an HTTP request."""
    resolver = resolver or get_resolver()
    with translation.override(_language_of(path)):
        try:
            match = resolver.resolve(path)
        except Resolver404:
            return None
        found = (each for each in endpoints(resolver) if _is_resolved_by(match, each, path))
        endpoint = next(found, None)
    return None if endpoint is None else _same(route_of(endpoint, ""), routes)


def resolve_websocket(path: str, routes: Iterable[Route], application: object) -> Route | None:
    """Return which of ``routes`` answers a WebSocket to ``path`` of ``application``."""
    websockets = [route for route in routes if route.protocol is Protocol.WEBSOCKET]
    for found, route in zip(websocket_routes(application), websockets, strict=False):
        if found.matches(path):
            return route
    return None


def _language_of(path: str) -> str:
    # What LocaleMiddleware would activate for a visitor without a preference.
    code = translation.get_language_from_path(path) if languages().is_in_path else None
    return code or settings.LANGUAGE_CODE


def _is_resolved_by(match: ResolverMatch, endpoint: UrlEndpoint, path: str) -> bool:
    patterns = endpoint.path.patterns
    if endpoint.callback is None:
        # A branch that the routes don't follow: the view is somewhere below it.
        return f"/{match.route.removeprefix('^')}".startswith(shown(patterns))
    return endpoint.callback is match.func and _matches(patterns, path)


def _matches(patterns: tuple[Any, ...], path: str) -> bool:
    for pattern in patterns:
        match = pattern.match(path)
        if not match:
            return False
        path = match[0]
    return True


def _same(found: Route, routes: Iterable[Route]) -> Route | None:
    wanted = (found.pattern, found.name, found.match)
    same = (route for route in routes if (route.pattern, route.name, route.match) == wanted)
    return next(same, None)


# Neither of these does anything but look at the request: they can be called.
_REDIRECTING = (CommonMiddleware, LocaleMiddleware)
# Of Django's own, these look at a 404 and may answer with a page or a redirect to anywhere.
_FALLBACKS = (
    "django.contrib.flatpages.middleware.FlatpageFallbackMiddleware",
    "django.contrib.redirects.middleware.RedirectFallbackMiddleware",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Redirect:
    """The redirect that ``middleware``, a dotted path, answers a request with."""

    status: int
    location: str
    middleware: str


def redirect_of(method: str, path: str, query: str, headers: Mapping[str, str]) -> Redirect | None:
    """
    Return the redirect of a request that no pattern matches; None without one.

    ``path`` is percent-encoded and without FORCE_SCRIPT_NAME.
    """
    request = _request(method, path, query, headers)
    for dotted in settings.MIDDLEWARE:
        found = import_string(dotted)
        for stock in _REDIRECTING:
            if not (isinstance(found, type) and issubclass(found, stock)):
                continue
            response = _response_of(stock, request)
            if 300 <= response.status_code < 400:
                return Redirect(
                    status=response.status_code,
                    location=response.headers["Location"],
                    middleware=dotted,
                )
    return None


def may_answer(middleware: Iterable[str]) -> list[str]:
    """Return those of ``middleware`` that may answer a path which no pattern matches."""
    return [
        dotted for dotted in middleware if dotted in _FALLBACKS or not dotted.startswith("django.")
    ]


def _response_of(stock: type, request: HttpRequest) -> HttpResponse:
    try:
        found: HttpResponse = stock(lambda _: HttpResponseNotFound())(request)
    except (SuspiciousOperation, RuntimeError):
        # A host that is not in ALLOWED_HOSTS, and under DEBUG a POST that a redirect would empty.
        return HttpResponseNotFound()
    return found


def _request(method: str, path: str, query: str, headers: Mapping[str, str]) -> WSGIRequest:
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
    }
    for name, value in headers.items():
        environ[f"HTTP_{name.upper().replace('-', '_')}"] = value
    set_script_prefix(get_script_name(environ))
    return WSGIRequest(environ)
