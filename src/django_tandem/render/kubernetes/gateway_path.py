"""The two kinds of path that the Gateway API matches, and literal prefixes lowered to them."""

import re
from collections.abc import Iterator, Set
from dataclasses import dataclass

from django_tandem.model import PathMatch
from django_tandem.project.regex.prefixes import LiteralPrefix, literal_prefixes

# A gateway compares the path as the client wrote it, and clients may write any other character
# percent-encoded: RFC 3986 names these "unreserved".
_PLAIN = re.compile(r"[A-Za-z0-9._~/-]*")
# Gateways merge slashes and resolve dot segments before they match, and the API refuses both.
_NORMALIZED = re.compile(r"//|/\.{1,2}(?=/|\Z)")
LONGEST = 1024


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class GatewayPath:
    """
    One path, or with ``is_prefix`` that path and all below it.

    "Below" is by segments: ``/feed`` covers ``/feed/`` and ``/feed/a``, and not ``/feedback``.
    """

    path: str
    is_prefix: bool = False

    def __str__(self) -> str:
        return self.path

    def covers(self, other: "GatewayPath") -> bool:
        """Return whether each path of ``other`` is one of this."""
        if not self.is_prefix:
            return self == other
        return self.path in ("/", other.path) or other.path.startswith(f"{self.path}/")

    def overlaps(self, prefix: LiteralPrefix) -> bool:
        """Return whether it covers a path that begins with ``prefix``."""
        if self.covers(GatewayPath(path=prefix.text)):
            return True
        return not prefix.is_whole and self.path.startswith(prefix.text)

    def below(self, base: str) -> "GatewayPath":
        """Return it below the prefix ``base``, which has no slash at its end."""
        path = base if base and self.is_prefix and self.path == "/" else base + self.path
        return GatewayPath(path=path, is_prefix=self.is_prefix)

    @property
    def parents(self) -> Iterator[str]:
        """The paths of the prefixes that cover it, the longest first."""
        path = self.path
        while path != "/":
            path = path.rpartition("/")[0] or "/"
            yield path


EVERYTHING = GatewayPath(path="/", is_prefix=True)


def prefixes_over(path: str) -> Iterator[GatewayPath]:
    """Yield the prefixes that cover all that is below ``path``, the longest first."""
    yield GatewayPath(path=path, is_prefix=True)
    for parent in GatewayPath(path=path).parents:
        yield GatewayPath(path=parent, is_prefix=True)


def covering(path: GatewayPath, among: Set[GatewayPath]) -> GatewayPath | None:
    """Return the most specific path ``among`` that covers ``path``, as a gateway would."""
    return next((each for each in (path, *prefixes_over(path.path)) if each in among), None)


def covering_prefix(prefix: LiteralPrefix, among: Set[GatewayPath]) -> GatewayPath | None:
    """Return the longest path ``among`` that covers each path that begins with ``prefix``."""
    if prefix.is_whole:
        return covering(GatewayPath(path=prefix.text), among)
    wider = prefixes_over(prefix.text.rpartition("/")[0] or "/")
    return next((each for each in wider if each in among), None)


def gateway_paths(match: PathMatch) -> tuple[GatewayPath, ...]:
    """Return what covers each path of ``match``, and as few others as the API can express."""
    return tuple(dict.fromkeys(map(gateway_path, literal_prefixes(match))))


def gateway_path(prefix: LiteralPrefix) -> GatewayPath:
    """Return what covers each path that begins with ``prefix``, or is it."""
    text = _expressible(prefix.text)
    if prefix.is_whole and text and text == prefix.text:
        return GatewayPath(path=text)
    # The last segment may be the beginning of a longer one.
    return GatewayPath(path=text.rpartition("/")[0] or "/", is_prefix=True)


def _expressible(text: str) -> str:
    plain = _PLAIN.match(text)
    found = plain[0] if plain else ""
    normalized = _NORMALIZED.search(found)
    # The first slash stays: it ends the segment before.
    return (found[: normalized.start() + 1] if normalized else found)[:LONGEST]
