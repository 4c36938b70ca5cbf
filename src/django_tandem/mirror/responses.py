"""A response of one stack, as it is compared."""

from collections.abc import Iterable
from dataclasses import dataclass

JSON, HTML, TEXT, BYTES = "json", "html", "text", "bytes"


@dataclass(frozen=True, slots=True, kw_only=True)
class MirroredResponse:
    """A whole response: the headers in their order, the body without any content coding."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def values_of(self, name: str) -> tuple[str, ...]:
        """Return the values of each header of that name, in any case."""
        return values_of(self.headers, name)

    @property
    def form(self) -> str:
        """What the body is, by its Content-Type: "json", "html", "text" or "bytes"."""
        kind = next(iter(self.values_of("content-type")), "").partition(";")[0].strip().lower()
        if kind == "application/json" or kind.endswith("+json"):
            return JSON
        if kind in ("text/html", "application/xhtml+xml"):
            return HTML
        return TEXT if kind.startswith("text/") or kind.endswith("xml") else BYTES


def values_of(headers: Iterable[tuple[str, str]], name: str) -> tuple[str, ...]:
    """Return the values of each header of that name, in any case."""
    return tuple(value for each, value in headers if each.lower() == name)
