"""What an ASGI application serves in front of Django: Starlette, FastAPI, Socket.IO, functions."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django_tandem.model import PathMatch, Protocol
from django_tandem.project.asgi_components import (
    asgi_code,
    components,
    constants,
    find_component,
    held_by,
    is_django,
    is_instance,
    is_protocol_router,
)
from django_tandem.project.regex.charset import literally
from django_tandem.project.regex.fragment import UntranslatableError
from django_tandem.project.regex.translate import parse, translate

# Packages whose ASGI middleware passes every request on, though it reads the path.
_TRANSPARENT = frozenset(
    {
        "a2wsgi",
        "asgi_correlation_id",
        "asgiref",
        "blacknoise",
        "brotli_asgi",
        "channels",
        "ddtrace",
        "django",
        "django_tandem",
        "elasticapm",
        "fastapi",
        "newrelic",
        "opentelemetry",
        "scout_apm",
        "sentry_sdk",
        "servestatic",
        "starlette",
        "uvicorn",
        "whitenoise",
    }
)
_PATH = re.compile(r"/[\w./~-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class AsgiRoute:
    """
    A route that the ASGI application serves outside the URLconf.

    ``matches`` decides on a path as the application does. ``checks_origin`` when it checks the
    Origin of WebSockets.
    """

    pattern: str
    match: PathMatch
    matches: Callable[[str], object]
    application: Any
    name: str | None = None
    protocol: Protocol = Protocol.HTTP
    checks_origin: bool = False


def outer_routes(application: object) -> Iterator[AsgiRoute]:
    """Yield the routes that ``application`` serves before, or instead of, Django's handler."""
    for component in components(application, stops=_has_own_routes):
        target = component.target
        if _is_starlette(target):
            yield from _starlette_routes(target)
        elif is_protocol_router(target):
            yield from outer_routes(target.application_mapping.get("http"))
        elif _is_engineio(target):
            yield from _engineio_routes(target)
        elif prefixes := _static_prefixes(target):
            yield from (_prefix_route(path, target) for path in prefixes)
        elif _dispatches(target):
            yield from (_prefix_route(path, target) for path in _paths_in(target))


def own_dispatcher(application: object) -> Any | None:
    """Return the object in ``application`` whose own code chooses what Django gets, if any."""
    return next(filter(_dispatches, _in_front_of_django(application)), None)


def is_transparent(target: Any) -> bool:
    """Return whether ``target`` is of a package whose middleware passes every request on."""
    module = getattr(target, "__module__", None) or type(target).__module__
    return str(module).partition(".")[0] in _TRANSPARENT


def needs_one_process(application: object) -> bool:
    """Return whether Socket.IO polls in it: all requests of a session must reach one process."""
    found = filter(_is_engineio, _in_front_of_django(application))
    servers = (one.engineio_server for one in found)
    return any("polling" in getattr(_engine(server), "transports", ()) for server in servers)


def _in_front_of_django(application: Any) -> Iterator[Any]:
    for component in components(application, stops=_has_own_routes):
        target = component.target
        yield target
        if is_protocol_router(target):
            yield from _in_front_of_django(target.application_mapping.get("http"))
        elif _is_starlette(target):
            for mount in filter(_is_mount, target.routes):
                if find_component(mount.app, is_django) is not None:
                    yield from _in_front_of_django(mount.app)


def _has_own_routes(target: Any) -> bool:
    return _is_starlette(target) or is_protocol_router(target)


def _starlette_routes(application: Any, prefix: str = "") -> Iterator[AsgiRoute]:
    for route in _unfolded(application.routes):
        path = prefix + getattr(route, "path", "")
        if is_instance("starlette.routing", "Host", route):
            # By the path alone for every host: ASGI hands over what is Django's.
            yield from _of_host(route, prefix)
        elif _is_mount(route):
            if not path and find_component(route.app, is_django) is not None:
                yield from outer_routes(route.app)
                return  # Django serves the rest
            if "{" in path:
                yield _route(route, path, Protocol.HTTP)
            else:
                yield from _mounted(route.app, path)
        elif is_instance("starlette.routing", "WebSocketRoute", route):
            yield _route(route, path, Protocol.WEBSOCKET)
        elif hasattr(route, "path_regex"):
            yield _route(route, path, Protocol.HTTP)


def _unfolded(routes: Iterable[Any]) -> Iterator[Any]:
    # FastAPI keeps an included router as one route, which makes those inside it when they are read.
    for route in routes:
        if hasattr(route, "effective_candidates"):
            yield from _unfolded(route.effective_candidates())
        else:
            yield getattr(route, "starlette_route", None) or route


def _of_host(route: Any, prefix: str) -> Iterator[AsgiRoute]:
    if _is_starlette(route.app):
        yield from _starlette_routes(route.app, prefix)
    elif find_component(route.app, is_django) is None:
        yield from _mounted(route.app, prefix)


def _mounted(application: Any, path: str) -> Iterator[AsgiRoute]:
    # Also with Django in it: only there, its paths begin with `path`.
    yield _prefix_route(f"{path}/", application)
    if _is_starlette(application):
        inner = _starlette_routes(application, path)
        yield from (one for one in inner if one.protocol is Protocol.WEBSOCKET)


def _route(route: Any, path: str, protocol: Protocol) -> AsgiRoute:
    prefix = path.removesuffix(route.path)
    regex = re.compile("^" + re.escape(prefix) + route.path_regex.pattern.removeprefix("^"))
    return AsgiRoute(
        pattern=path,
        match=_path_match_of(regex.pattern, path),
        matches=regex.match,
        application=route.app if _is_mount(route) else route.endpoint,
        name=route.name,
        protocol=protocol,
    )


def _path_match_of(regex: str, path: str) -> PathMatch:
    try:
        tree = parse(regex, is_full=regex.endswith("$"))
        fragment = translate(tree)
    except UntranslatableError as error:
        prefix = path.partition("{")[0]
        return PathMatch(pcre=f"^{literally(prefix)}", prefix=prefix, why_inexact=str(error))
    literal = fragment.literal_prefix if fragment.is_literal and tree.is_anchored else None
    return PathMatch(
        pcre=f"^{fragment.text}" + (r"\z" if tree.is_anchored else ""),
        prefix=fragment.literal_prefix,
        literal=literal,
    )


def _engineio_routes(application: Any) -> Iterator[AsgiRoute]:
    path = application.engineio_path or "/"
    for protocol in Protocol:
        yield _prefix_route(path, application, protocol=protocol, checks_origin=True)
    for static in application.static_files:
        yield _prefix_route(static, application)


def _prefix_route(path: str, application: Any, **facts: Any) -> AsgiRoute:
    return AsgiRoute(
        pattern=f"{path}…",
        match=PathMatch(pcre=f"^{literally(path)}", prefix=path),
        matches=lambda given: given.startswith(path),
        application=application,
        **facts,
    )


def _dispatches(target: Any) -> bool:
    # Code that has Django behind it, and reads the path or answers without Django.
    code = asgi_code(target)
    if code is None or is_transparent(target) or _is_engineio(target):
        return False
    words = set(constants(code))
    if not {"path", "raw_path", "http.response.start"} & words:
        return False
    return find_component(target, is_django) is not None


def _paths_in(target: Any) -> list[str]:
    code = asgi_code(target)
    found = list(constants(code)) if code else []
    found += _items(held_by(target))
    texts = (each for each in found if isinstance(each, str) and _PATH.fullmatch(each))
    return list(dict.fromkeys(texts))


def _items(values: Iterable[Any], *, levels: int = 3) -> Iterator[Any]:
    # As in [("/api/", application)]; of a dict, its keys.
    for value in values:
        if not isinstance(value, dict | list | tuple | set | frozenset):
            yield value
        elif levels:
            yield from _items(value, levels=levels - 1)


def _static_prefixes(target: Any) -> list[str]:
    """Return the prefixes, or the paths at the root, of files that ``target`` serves itself."""
    if is_instance("blacknoise._impl", "BlackNoise", target):
        return [f"{prefix.rstrip('/')}/" for prefix in target._prefixes]
    if is_instance("servestatic.asgi", "ServeStaticASGI", target):
        urls = [*target.files, *(prefix for _, prefix in target.directories)]
        return list(dict.fromkeys(_first_part(url) for url in urls if url != "/"))
    return []


def _first_part(url: str) -> str:
    first, slash, _ = url.removeprefix("/").partition("/")
    return f"/{first}{slash}"


def _engine(server: Any) -> Any:
    # Socket.IO's server holds one of Engine.IO.
    return getattr(server, "eio", server)


def _is_starlette(target: Any) -> bool:
    # A router can be the whole application.
    kinds = (("starlette.applications", "Starlette"), ("starlette.routing", "Router"))
    return any(is_instance(module, name, target) for module, name in kinds)


def _is_mount(route: Any) -> bool:
    return is_instance("starlette.routing", "Mount", route)


def _is_engineio(target: Any) -> bool:
    return is_instance("engineio.async_drivers.asgi", "ASGIApp", target)
