"""The routes of an ASGI application beside the URLconf, and its channel names."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from django.core.handlers.asgi import ASGIHandler

from django_tandem.model import PathMatch, Protocol, Route
from django_tandem.project.asgi_application import Component, components, find_component, mentions
from django_tandem.project.patterns import PatternChain, Segment, append, cut, extend, path_match
from django_tandem.project.views import consumer_view

# A URLRouter strips every leading slash of the path; a whole path begins with one.
_FIRST_SLASHES = Segment(text="/++", literal_prefix="/")
_SLASHES = Segment(text="/*+")
_EVERY_PATH = PathMatch(pcre="^/", prefix="/")
_DEEPEST = 64
_TOO_DEEP = f"routers nested more than {_DEEPEST} deep"


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """
    What the ASGI application serves beside the URLconf.

    ``http_routes`` are those of HTTP consumers, which Channels asks before Django.
    ``checks_origin`` says that an OriginValidator stands in outer of every WebSocket.
    """

    websocket_routes: tuple[Route, ...] = ()
    http_routes: tuple[Route, ...] = ()
    channel_names: tuple[str, ...] = ()
    has_websocket: bool = False
    checks_origin: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AsgiEndpoint:
    """
    An application at the end of nested routers, or one without a router.

    ``patterns`` are Django's, each matched against what is left without its leading slashes; none
    without a router. ``outer`` are the objects that a request passes on its way, outermost first.
    """

    application: Any
    patterns: tuple[Any, ...] = ()
    name: str | None = None
    outer: tuple[Any, ...] = ()
    chain: PatternChain = PatternChain()


def read_application(application: object, project_directory: str) -> Application:
    """Return what ``application`` serves beside the URLconf, without calling it."""
    websockets = tuple(websocket_endpoints(application))
    http = tuple(_http_endpoints(application))
    return Application(
        websocket_routes=_routes(websockets, Protocol.WEBSOCKET, project_directory),
        http_routes=_routes(http, Protocol.HTTP, project_directory),
        channel_names=_channel_names(application),
        has_websocket=bool(websockets) or _speaks_websocket(application),
        checks_origin=bool(websockets) and all(map(_is_guarded, websockets)),
    )


def websocket_endpoints(application: object) -> Iterator[AsgiEndpoint]:
    """Yield the endpoints of WebSockets, in the order in which Channels tries them."""
    found = find_component(application, _is_protocol_router)
    if found is not None:
        yield from _endpoints(found, "websocket")
        return
    # Plain functions that dispatch by protocol themselves, with a router behind.
    router = find_component(application, _is_url_router)
    if router is not None:
        yield from _below(AsgiEndpoint(application=router.target, outer=router.outer), depth=0)


def _http_endpoints(application: object) -> Iterator[AsgiEndpoint]:
    found = find_component(application, _is_protocol_router)
    for endpoint in _endpoints(found, "http") if found else ():
        if find_component(endpoint.application, lambda one: isinstance(one, ASGIHandler)):
            return  # Django takes every path that reaches it
        yield endpoint


def _endpoints(found: Component, protocol: str) -> Iterator[AsgiEndpoint]:
    application = found.target.application_mapping.get(protocol)
    if application is not None:
        yield from _below(AsgiEndpoint(application=application, outer=found.outer), depth=0)


def _below(endpoint: AsgiEndpoint, *, depth: int) -> Iterator[AsgiEndpoint]:
    found = find_component(
        endpoint.application, lambda one: _is_url_router(one) or _is_consumer(one)
    )
    if found is None:
        yield endpoint
        return
    endpoint = replace(endpoint, application=found.target, outer=(*endpoint.outer, *found.outer))
    if _is_consumer(found.target):
        yield endpoint
    elif depth == _DEEPEST:
        yield replace(endpoint, chain=cut(endpoint.chain, _TOO_DEEP))
    else:
        for route in found.target.routes:
            yield from _below(_entered(endpoint, route, depth), depth=depth + 1)


def _entered(endpoint: AsgiEndpoint, route: Any, depth: int) -> AsgiEndpoint:
    chain = append(endpoint.chain, _SLASHES if depth else _FIRST_SLASHES)
    return replace(
        endpoint,
        application=route.callback,
        patterns=(*endpoint.patterns, route.pattern),
        name=route.name,
        chain=extend(chain, route.pattern),
    )


def _routes(
    endpoints: tuple[AsgiEndpoint, ...], protocol: Protocol, directory: str
) -> tuple[Route, ...]:
    return tuple(
        Route(
            pattern=_shown(endpoint.patterns),
            name=endpoint.name,
            view=consumer_view(endpoint.application, directory),
            match=path_match(endpoint.chain) if endpoint.patterns else _EVERY_PATH,
            protocol=protocol,
            by_django=False,
        )
        for endpoint in endpoints
    )


def _shown(patterns: tuple[Any, ...]) -> str:
    return "/" + (
        "".join(str(pattern).removeprefix("^") for pattern in patterns) if patterns else "…"
    )


def _channel_names(application: object) -> tuple[str, ...]:
    found = find_component(application, _is_channel_router)
    return tuple(found.target.application_mapping) if found else ()


def _speaks_websocket(application: object) -> bool:
    objects = [found.target for found in components(application, stops=_is_protocol_router)]
    if any(map(_is_protocol_router, objects)):
        return False
    return any(mentions(target, "websocket") for target in objects)


def _is_guarded(endpoint: AsgiEndpoint) -> bool:
    return any(
        _is_a("channels.security.websocket", "OriginValidator", one) for one in endpoint.outer
    )


def _is_protocol_router(target: Any) -> bool:
    return _is_a("channels.routing", "ProtocolTypeRouter", target)


def _is_url_router(target: Any) -> bool:
    return _is_a("channels.routing", "URLRouter", target)


def _is_router_or_consumer(target: Any) -> bool:
    return _is_url_router(target) or _is_consumer(target)


def _is_channel_router(target: Any) -> bool:
    return _is_a("channels.routing", "ChannelNameRouter", target)


def _is_consumer(target: Any) -> bool:
    return hasattr(target, "consumer_class") and callable(target)


def _is_a(module: str, name: str, target: Any) -> bool:
    # An object exists only once the module of its class is imported, so none is imported here.
    cls = getattr(sys.modules.get(module), name, None)
    return isinstance(cls, type) and isinstance(target, cls)
