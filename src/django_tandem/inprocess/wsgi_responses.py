"""The parts of a WSGI response: a start that is deferred, and a body whose end is noticed."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment


class DeferredStart:
    """A ``start_response`` that keeps the start until it is released."""

    def __init__(self, start_response: StartResponse) -> None:
        self._start_response = start_response
        self._deferred: tuple[Any, ...] | None = None
        self._known: dict[str, str] | None = None
        self._added: tuple[tuple[str, str], ...] = ()
        self._is_released = False

    @property
    def headers(self) -> list[tuple[str, str]]:
        """The headers of the deferred start."""
        return self._deferred[1] if self._deferred else []

    @property
    def known_headers(self) -> dict[str, str]:
        """The headers of the deferred start by their names in lower case."""
        if self._known is None:
            self._known = {name.lower(): value for name, value in self.headers}
        return self._known

    def __call__(
        self, status: str, headers: list[tuple[str, str]], exc_info: Any = None, /
    ) -> Callable[[bytes], object]:
        self._known = None
        self._deferred = (status, headers, *([] if exc_info is None else [exc_info]))
        # An application may start only when its body is iterated.
        return self._start() if self._is_released else self._write

    def _write(self, data: bytes) -> None:
        self.release()(data)

    def release(self, *headers: tuple[str, str]) -> Any:
        """Pass the deferred start on with these headers too; return the server's ``write``."""
        self._added, self._is_released = headers, True
        return self._start() if self._deferred else None

    def _start(self) -> Any:
        headers = self.headers
        names = {name.lower() for name, _ in self._added}
        if names and not names.isdisjoint(self.known_headers):
            # NGINX takes the first of two, or joins them.
            headers = [pair for pair in headers if pair[0].lower() not in names]
        status, _, *exc_info = self._deferred or ("", [])
        self._deferred = None
        return self._start_response(status, [*headers, *self._added], *exc_info)


def is_ended(body: Iterable[bytes], environ: WSGIEnvironment) -> bool:
    """Return whether no code of the project runs for the body, and none may wrap it."""
    # A server sends a file by other means than by iterating it.
    return isinstance(body, list | tuple) or _is_file(body, environ)


def _is_file(body: Iterable[bytes], environ: WSGIEnvironment) -> bool:
    wrapper = environ.get("wsgi.file_wrapper")
    # That of uWSGI is a function, which returns the file itself.
    return hasattr(body, "read") or (isinstance(wrapper, type) and isinstance(body, wrapper))


def close_body(body: Iterable[bytes]) -> None:
    """Close a body that has a ``close``, as a server does at the end of its response."""
    close = getattr(body, "close", None)
    if close is not None:
        close()


class EmptyBody:
    """The body of a response without one, which closes the project's when the server closes it."""

    __slots__ = ("_body",)

    def __init__(self, body: Iterable[bytes]) -> None:
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        return iter(())

    def close(self) -> None:
        """Close the project's body."""
        close_body(self._body)


class EndingBody:
    """A body that calls ``at_end`` once, when it is closed."""

    __slots__ = ("_at_end", "_body")

    def __init__(self, body: Iterable[bytes], at_end: Callable[[], object]) -> None:
        self._body = body
        self._at_end: Callable[[], object] | None = at_end

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._body)

    def close(self) -> None:
        """Close the project's body, which may log."""
        try:
            close_body(self._body)
        finally:
            self.end()

    def end(self) -> None:
        """Call ``at_end``, unless it was called before."""
        at_end, self._at_end = self._at_end, None
        if at_end is not None:
            at_end()
