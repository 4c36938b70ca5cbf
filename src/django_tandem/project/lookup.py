"""The route that answers a path, resolved by Django's and Channels' own patterns."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.urls import Resolver404, ResolverMatch, URLResolver, get_resolver
from django.utils import translation
from django.utils.encoding import repercent_broken_unicode

from django_tandem.inprocess.proxy_headers import split_target
from django_tandem.model import Protocol, Route
from django_tandem.project.asgi_routes import websocket_endpoints
from django_tandem.project.path_match import languages
from django_tandem.project.urlconf import Endpoint, endpoints, route_of, shown


def path_of(target: str) -> str:
    """Return the decoded path that both stacks resolve for a request ``target``."""
    octets = split_target(target.encode(), settings.FORCE_SCRIPT_NAME or "").path_info
    return str(repercent_broken_unicode(octets).decode())


def is_static(path: str) -> bool:
    """Return whether Django's own static files handler serves ``path``."""
    given = urlsplit(settings.STATIC_URL or "")
    return bool(given.path) and not given.netloc and path.startswith(given.path)


def resolve_path(path: str, routes: Iterable[Route], application: object = None) -> Route | None:
    """
    Return which of ``routes`` answers the decoded ``path``: the view's, else the WebSocket's.

    ``routes`` are those of the default URLconf and of ``application``, the ASGI application.
    """
    routes = tuple(routes)
    return resolve_http(path, routes) or resolve_websocket(path, routes, application)


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
    for endpoint, route in zip(websocket_endpoints(application), websockets, strict=False):
        if endpoint.matches(path):
            return route
    return None


def _language_of(path: str) -> str:
    # What LocaleMiddleware would activate for a visitor without a preference.
    code = translation.get_language_from_path(path) if languages().is_in_path else None
    return code or settings.LANGUAGE_CODE


def _is_resolved_by(match: ResolverMatch, endpoint: Endpoint, path: str) -> bool:
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
