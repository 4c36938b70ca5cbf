"""The project's ASGI application: its WebSocket routes and channel names, by Channels' routers."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from django.core.handlers.asgi import ASGIHandler

from django_tandem.model import PathMatch, Protocol, Route
from django_tandem.project.asgi_tree import Found, first, mentions, walk
from django_tandem.project.regex.pattern import Stem, append, cut, extend, finish
from django_tandem.project.regex.segment import Segment
from django_tandem.project.views import consumer_of

# A URLRouter strips every leading slash from what it is given; a path begins with one.
_FIRST_SLASHES = Segment(text="/++", lead="/")
_SLASHES = Segment(text="/*+")
_EVERY_PATH = PathMatch(pcre="^/", prefix="/")
_DEEPEST = 64
_TOO_DEEP = f"routers nested more than {_DEEPEST} deep"


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """
    What the ASGI application serves beside the URLconf.

    ``http_routes`` are those of HTTP consumers, which Channels asks before Django.
    ``checks_origin`` says that an OriginValidator stands in front of every WebSocket.
    """

    websocket_routes: tuple[Route, ...] = ()
    http_routes: tuple[Route, ...] = ()
    channel_names: tuple[str, ...] = ()
    has_websocket: bool = False
    checks_origin: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """
    An application at the end of nested routers, or one without a router: then ``chain`` is empty.

    ``chain`` are Django's patterns, each given what is left without its leading slashes.
    ``front`` are the objects that a request passes on its way.
    """

    application: Any
    chain: tuple[Any, ...] = ()
    name: str | None = None
    front: tuple[Any, ...] = ()
    stem: Stem = Stem()


def read_application(application: object, project_directory: str) -> Application:
    """Return what ``application`` serves beside the URLconf, without calling it."""
    websockets = tuple(websocket_leaves(application))
    http = tuple(_http_leaves(application))
    return Application(
        websocket_routes=_routes(websockets, Protocol.WEBSOCKET, project_directory),
        http_routes=_routes(http, Protocol.HTTP, project_directory),
        channel_names=_channel_names(application),
        has_websocket=bool(websockets) or _speaks_websocket(application),
        checks_origin=bool(websockets) and all(map(_is_guarded, websockets)),
    )


def websocket_leaves(application: object) -> Iterator[Leaf]:
    """Yield where WebSockets end up, in the order in which Channels tries them."""
    found = first(application, _is_protocol_router)
    if found is not None:
        yield from _ends(found, "websocket")
        return
    # Plain functions that tell the protocols apart themselves, with a router behind.
    router = first(application, _is_url_router)
    if router is not None:
        yield from _below(Leaf(application=router.target, front=router.front), depth=0)


def _http_leaves(application: object) -> Iterator[Leaf]:
    found = first(application, _is_protocol_router)
    for leaf in _ends(found, "http") if found else ():
        if first(leaf.application, lambda one: isinstance(one, ASGIHandler)):
            return  # Django takes every path that reaches it
        yield leaf


def _ends(found: Found, protocol: str) -> Iterator[Leaf]:
    application = found.target.application_mapping.get(protocol)
    if application is not None:
        yield from _below(Leaf(application=application, front=found.front), depth=0)


def _below(leaf: Leaf, *, depth: int) -> Iterator[Leaf]:
    found = first(leaf.application, lambda one: _is_url_router(one) or _is_consumer(one))
    if found is None:
        yield leaf
        return
    leaf = replace(leaf, application=found.target, front=(*leaf.front, *found.front))
    if _is_consumer(found.target):
        yield leaf
    elif depth == _DEEPEST:
        yield replace(leaf, stem=cut(leaf.stem, _TOO_DEEP))
    else:
        for route in found.target.routes:
            yield from _below(_entered(leaf, route, depth), depth=depth + 1)


def _entered(leaf: Leaf, route: Any, depth: int) -> Leaf:
    stem = append(leaf.stem, _SLASHES if depth else _FIRST_SLASHES)
    return replace(
        leaf,
        application=route.callback,
        chain=(*leaf.chain, route.pattern),
        name=route.name,
        stem=extend(stem, route.pattern),
    )


def _routes(leaves: tuple[Leaf, ...], protocol: Protocol, directory: str) -> tuple[Route, ...]:
    return tuple(
        Route(
            pattern=_shown(leaf.chain),
            name=leaf.name,
            view=consumer_of(leaf.application, directory),
            match=finish(leaf.stem) if leaf.chain else _EVERY_PATH,
            protocol=protocol,
            by_django=False,
        )
        for leaf in leaves
    )


def _shown(chain: tuple[Any, ...]) -> str:
    return "/" + ("".join(str(pattern).removeprefix("^") for pattern in chain) if chain else "…")


def _channel_names(application: object) -> tuple[str, ...]:
    found = first(application, _is_channel_router)
    return tuple(found.target.application_mapping) if found else ()


def _speaks_websocket(application: object) -> bool:
    objects = [found.target for found in walk(application, stops=_is_protocol_router)]
    if any(map(_is_protocol_router, objects)):
        return False
    return any(mentions(target, "websocket") for target in objects)


def _is_guarded(leaf: Leaf) -> bool:
    return any(_is_a("channels.security.websocket", "OriginValidator", one) for one in leaf.front)


def _is_protocol_router(target: Any) -> bool:
    return _is_a("channels.routing", "ProtocolTypeRouter", target)


def _is_url_router(target: Any) -> bool:
    return _is_a("channels.routing", "URLRouter", target)


def _is_channel_router(target: Any) -> bool:
    return _is_a("channels.routing", "ChannelNameRouter", target)


def _is_consumer(target: Any) -> bool:
    return hasattr(target, "consumer_class") and callable(target)


def _is_a(module: str, name: str, target: Any) -> bool:
    # An object of a class exists only once its module is imported: nothing is imported for it.
    cls = getattr(sys.modules.get(module), name, None)
    return isinstance(cls, type) and isinstance(target, cls)
