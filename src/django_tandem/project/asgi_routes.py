"""The routes of an ASGI application outside the URLconf, and its channel names."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from django_tandem.inprocess.views import consumer_view
from django_tandem.model import PathMatch, Protocol, Route, View
from django_tandem.project.asgi_components import (
    Component,
    asgi_code,
    components,
    constants,
    find_component,
    held_by,
    is_django,
    is_instance,
    is_protocol_router,
)
from django_tandem.project.outer_routes import (
    AsgiRoute,
    is_transparent,
    needs_one_process,
    outer_routes,
    own_dispatcher,
)
from django_tandem.project.path_match import PatternChain, append, cut, extend, path_match_of
from django_tandem.project.patterns import PatternPcre

# A URLRouter strips every leading slash of the path; a whole path begins with one.
_FIRST_SLASHES = PatternPcre(text="/++", literal_prefix="/")
_SLASHES = PatternPcre(text="/*+")
_EVERY_PATH = PathMatch(pcre="^/", prefix="/")
_DEEPEST = 64
_TOO_DEEP = f"routers nested more than {_DEEPEST} deep"


@dataclass(frozen=True, slots=True, kw_only=True)
class AsgiFacts:
    """
    What the ASGI application serves outside the URLconf.

    ``http_routes`` are those that it tries before Django. ``checks_origin`` when the Origin of
    every WebSocket is checked. ``dispatcher`` names the code that chooses by the path itself, so
    that other paths than those found may be served. ``needs_one_process`` is for Socket.IO.
    """

    websocket_routes: tuple[Route, ...] = ()
    http_routes: tuple[Route, ...] = ()
    channel_names: tuple[str, ...] = ()
    has_websocket: bool = False
    checks_origin: bool = False
    dispatcher: View | None = None
    needs_one_process: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Endpoint:
    """
    An application at the end of nested routers of Channels, or one without a router.

    ``patterns`` are Django's, each matched against what is left without its leading slashes.
    ``outer`` are the objects that a request passes on its way, outermost first.
    """

    application: Any
    patterns: tuple[Any, ...] = ()
    name: str | None = None
    outer: tuple[Any, ...] = ()
    chain: PatternChain = PatternChain()

    def matches(self, path: str) -> bool:
        for pattern in self.patterns:
            match = pattern.match(path.lstrip("/"))
            if not match:
                return False
            path = match[0]
        return True


def read_application(application: object, project_directory: str) -> AsgiFacts:
    """Return what ``application`` serves outside the URLconf, without calling it."""
    websockets = tuple(websocket_routes(application))
    dispatcher = own_dispatcher(application)

    def route(each: AsgiRoute) -> Route:
        return Route(
            pattern=each.pattern,
            name=each.name,
            view=consumer_view(each.application, project_directory),
            match=each.match,
            protocol=each.protocol,
            by_django=False,
        )

    return AsgiFacts(
        websocket_routes=tuple(map(route, websockets)),
        http_routes=tuple(map(route, _http_routes(application))),
        channel_names=_channel_names(application),
        has_websocket=bool(websockets),
        checks_origin=bool(websockets) and all(each.checks_origin for each in websockets),
        dispatcher=consumer_view(dispatcher, project_directory) if dispatcher else None,
        needs_one_process=needs_one_process(application),
    )


def websocket_routes(application: object) -> Iterator[AsgiRoute]:
    """Yield the routes of WebSockets, in the order in which they are tried."""
    others = [each for each in outer_routes(application) if each.protocol is Protocol.WEBSOCKET]
    yield from others
    endpoints = _websocket_endpoints(application, has_others=bool(others))
    yield from (_route(endpoint, Protocol.WEBSOCKET) for endpoint in endpoints)


def _http_routes(application: object) -> Iterator[AsgiRoute]:
    for route in outer_routes(application):
        if route.protocol is Protocol.HTTP:
            yield route
    for endpoint in _endpoints(find_component(application, is_protocol_router), "http"):
        if find_component(endpoint.application, is_django):
            return  # Django takes every path that reaches it
        yield _route(endpoint, Protocol.HTTP)


def _websocket_endpoints(application: object, *, has_others: bool) -> Iterator[_Endpoint]:
    found = find_component(application, is_protocol_router)
    if found is not None:
        yield from _endpoints(found, "websocket")
        return
    # Plain functions that dispatch by protocol themselves, with a router behind.
    router = find_component(application, _is_url_router)
    if router is not None:
        yield from _below(_Endpoint(application=router.target, outer=router.outer), depth=0)
    elif not has_others and (target := _websocket_application(application)) is not None:
        yield _Endpoint(application=target)


def _endpoints(found: Component | None, protocol: str) -> Iterator[_Endpoint]:
    application = found.target.application_mapping.get(protocol) if found else None
    if found is not None and application is not None:
        yield from _below(_Endpoint(application=application, outer=found.outer), depth=0)


def _below(endpoint: _Endpoint, *, depth: int) -> Iterator[_Endpoint]:
    found = find_component(endpoint.application, _is_router_or_consumer)
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


def _entered(endpoint: _Endpoint, route: Any, depth: int) -> _Endpoint:
    chain = append(endpoint.chain, _SLASHES if depth else _FIRST_SLASHES)
    return replace(
        endpoint,
        application=route.callback,
        patterns=(*endpoint.patterns, route.pattern),
        name=route.name,
        chain=extend(chain, route.pattern),
    )


def _route(endpoint: _Endpoint, protocol: Protocol) -> AsgiRoute:
    patterns = [str(pattern).removeprefix("^") for pattern in endpoint.patterns]
    return AsgiRoute(
        pattern=f"/{''.join(patterns) if patterns else '…'}",
        match=path_match_of(endpoint.chain) if patterns else _EVERY_PATH,
        matches=endpoint.matches,
        application=endpoint.application,
        name=endpoint.name,
        protocol=protocol,
        checks_origin=any(map(_checks_origin, endpoint.outer)),
    )


def _channel_names(application: object) -> tuple[str, ...]:
    found = find_component(application, _is_channel_router)
    return tuple(found.target.application_mapping) if found else ()


def _websocket_application(application: object) -> Any | None:
    """Return the object in ``application`` whose own code serves WebSockets, if any."""
    for component in components(application, stops=is_protocol_router):
        code = asgi_code(component.target)
        if code is None or is_transparent(component.target):
            continue
        words = set(constants(code))
        if any(isinstance(word, str) and word.startswith("websocket.") for word in words):
            return component.target
        # Middleware names the protocol too; it passes everything on to what has Django behind it.
        if "websocket" in words and _leads_past_django(component.target):
            return component.target
    return None


def _leads_past_django(target: Any) -> bool:
    applications = (each for each in held_by(target) if asgi_code(each) is not None)
    return any(find_component(each, is_django) is None for each in applications)


def _checks_origin(target: Any) -> bool:
    return is_instance("channels.security.websocket", "OriginValidator", target)


def _is_url_router(target: Any) -> bool:
    return is_instance("channels.routing", "URLRouter", target)


def _is_router_or_consumer(target: Any) -> bool:
    return _is_url_router(target) or _is_consumer(target)


def _is_channel_router(target: Any) -> bool:
    return is_instance("channels.routing", "ChannelNameRouter", target)


def _is_consumer(target: Any) -> bool:
    return hasattr(target, "consumer_class") and callable(target)
