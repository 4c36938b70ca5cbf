"""Routes, what is known of their views, and the stack each is served by."""

import enum
from dataclasses import dataclass


class Stack(enum.StrEnum):
    """The two ways a project is served."""

    WSGI = "wsgi"
    ASGI = "asgi"


class Protocol(enum.StrEnum):
    """What a route answers to."""

    HTTP = "http"
    WEBSOCKET = "websocket"


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """
    What is known of a view or a consumer without calling it.

    ``dotted`` is its import path and ``source`` the ``file:line`` it is defined at.
    ``is_coroutine`` says whether Django itself would await it. ``mark`` is the
    stack that ``@on_wsgi`` or ``@on_asgi`` asked for. ``wrapper`` is the ``file:line``
    of what hides a coroutine from Django, by being synchronous itself.
    """

    dotted: str
    is_coroutine: bool = False
    source: str | None = None
    mark: Stack | None = None
    wrapper: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PathMatch:
    """
    Which request paths a route answers, in words that NGINX understands.

    ``pcre`` matches from the start of the decoded path. ``prefix`` is a text that
    every matching path begins with. ``literal`` is the one path that matches,
    when there is just one. ``inexact`` says why ``pcre`` matches more paths than
    Django does; it is empty when the two agree on every path.
    """

    pcre: str
    prefix: str
    literal: str | None = None
    inexact: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """
    One leaf of the URLconf, or of the ASGI application's WebSocket routes.

    ``pattern`` is the whole pattern as its author wrote it, from ``/`` on.
    ``name`` is the URL name with its namespaces, as ``reverse()`` takes it.
    ``by_django`` says that Django's handler answers, behind the project's middleware.
    """

    pattern: str
    name: str | None
    view: View
    match: PathMatch
    protocol: Protocol = Protocol.HTTP
    by_django: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The stack a route is served by, and the reason in words."""

    route: Route
    stack: Stack
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """
    The user's own word on where a route belongs.

    ``target`` is a path prefix (it begins with ``/``), one path (with ``=/``), a URL
    name, a namespace, or a view's dotted path. ``strip`` takes the prefix off before the
    request reaches the stack.
    """

    target: str
    stack: Stack
    strip: bool = False

    @property
    def is_prefix(self) -> bool:
        """Whether the pin holds for every path that begins with ``target``."""
        return self.target.startswith("/")

    @property
    def path(self) -> str | None:
        """The one path that the pin holds for, if it is such a pin."""
        return self.target[1:] if self.target.startswith("=/") else None

    @property
    def is_of_paths(self) -> bool:
        """Whether it speaks of paths, whatever is routed there, and not of routes."""
        return self.is_prefix or self.path is not None

    def holds_for(self, path: str) -> bool:
        """Return whether it speaks of ``path``."""
        return path == self.path or (self.is_prefix and path.startswith(self.target))


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeRule:
    """
    One line of the edge's route table: paths that ``match`` go to ``stack``.

    ``origin`` is the pattern or pin the rule was made from, for people to read.
    """

    match: PathMatch
    stack: Stack
    origin: str
