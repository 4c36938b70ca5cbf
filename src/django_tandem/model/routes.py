"""Routes, their views, and the stack that serves each of them."""

import enum
from dataclasses import dataclass


class Stack(enum.StrEnum):
    """The two server stacks that run a project."""

    WSGI = "wsgi"
    ASGI = "asgi"


class Protocol(enum.StrEnum):
    """The protocol of a route."""

    HTTP = "http"
    WEBSOCKET = "websocket"


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """
    The facts about a view or a consumer that need no call of it.

    ``dotted`` is its import path and ``source`` the ``file:line`` of its definition.
    ``is_coroutine`` is true when Django would await it, ``is_event_stream`` when its code names
    the type of a stream without an end, ``is_async_stream`` when it calls an async generator.
    ``mark`` is the stack of its ``@on_wsgi`` or ``@on_asgi``. ``wrapper`` is the ``file:line`` of
    a synchronous decorator that hides a coroutine from Django.
    """

    dotted: str
    is_coroutine: bool = False
    is_event_stream: bool = False
    is_async_stream: bool = False
    source: str | None = None
    mark: Stack | None = None
    wrapper: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PathMatch:
    """
    The request paths that a route matches, as a regular expression for NGINX.

    ``pcre`` matches from the start of the decoded path. Every matching path begins with
    ``prefix``. ``literal`` is the only path that matches, where there is only one. ``why_inexact``
    is the reason why ``pcre`` matches more paths than Django does, and empty when the two
    match the same paths.
    """

    pcre: str
    prefix: str
    literal: str | None = None
    why_inexact: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """
    One leaf of the URLconf, or of the ASGI application's WebSocket routes.

    ``pattern`` is the whole pattern as it stands in the URLconf, from ``/`` on.
    ``name`` is the URL name with its namespaces, as ``reverse()`` expects it.
    ``by_django`` is true when Django's handler serves it, behind the project's middleware.
    ``is_branch`` is true for a part of the URLconf that is not followed, whose views are not known.
    """

    pattern: str
    name: str | None
    view: View
    match: PathMatch
    protocol: Protocol = Protocol.HTTP
    by_django: bool = True
    is_branch: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The stack that serves a route, and the reason in words; ``pin`` is the index of its pin."""

    route: Route
    stack: Stack
    reason: str
    pin: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """
    An entry of TANDEM["ROUTES"] that assigns routes or paths to a stack.

    ``target`` is a path prefix (it begins with ``/``), one path (with ``=/``), a URL
    name, a namespace, or a view's dotted path. ``strip`` removes the prefix before the
    request is passed to the stack.
    """

    target: str
    stack: Stack
    strip: bool = False

    @property
    def is_prefix(self) -> bool:
        """Whether the pin matches every path that begins with ``target``."""
        return self.target.startswith("/")

    @property
    def path(self) -> str | None:
        """The path of a pin that matches one path only."""
        return self.target[1:] if self.target.startswith("=/") else None

    @property
    def is_of_paths(self) -> bool:
        """Whether it matches paths, and not routes by name or view."""
        return self.is_prefix or self.path is not None

    def holds_for(self, path: str) -> bool:
        """Return whether it matches ``path``."""
        return path == self.path or (self.is_prefix and path.startswith(self.target))


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeRule:
    """
    One rule of the edge's route table: NGINX passes paths that ``match`` to ``stack``.

    ``origin`` is the pattern or the pin that the rule was made from.
    """

    match: PathMatch
    stack: Stack
    origin: str
