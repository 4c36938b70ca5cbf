"""The bodies of WSGI responses, and their end."""

from collections.abc import Callable, Iterable, Iterator
from wsgiref.types import WSGIEnvironment


def is_ended(body: Iterable[bytes], environ: WSGIEnvironment) -> bool:
    """Return whether no code of the project runs for the body, and none may wrap it."""
    # A server sends a file by other means than by iterating it.
    return isinstance(body, list | tuple) or _is_file(body, environ)


def _is_file(body: Iterable[bytes], environ: WSGIEnvironment) -> bool:
    wrapper = environ.get("wsgi.file_wrapper")
    # That of uWSGI is a function, which returns the file itself.
    return hasattr(body, "read") or (isinstance(wrapper, type) and isinstance(body, wrapper))


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
            close = getattr(self._body, "close", None)
            if close is not None:
                close()
        finally:
            self.end()

    def end(self) -> None:
        """Call ``at_end``, unless it was called before."""
        at_end, self._at_end = self._at_end, None
        if at_end is not None:
            at_end()
