"""Two responses → their differences: the status, the headers, the body."""

import enum
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from django_tandem.mirror.bodies import compare_bodies, shortened
from django_tandem.mirror.exchange import MirroredResponse
from django_tandem.mirror.ignoring import Ignored

# Of the server, of the framing, of the edge, or of the one request: no view sends them alike twice.
OWN_HEADERS = frozenset(
    {
        *("connection", "content-length", "keep-alive", "transfer-encoding"),
        *("date", "server", "server-timing", "traceresponse", "x-request-id"),
        # Of a stream, on ASGI. The other headers for NGINX name what the client gets.
        "x-accel-buffering",
    }
)
EDGE_PREFIX = "x-tandem-"
# They depend on the bytes of the body.
DIGESTS = frozenset({"content-digest", "content-md5", "digest", "etag", "repr-digest"})
DATES = frozenset({"expires", "last-modified"})
# The two responses are made at nearly the same time.
SAME_TIME_S = 5.0

_NONCE = re.compile(r"'nonce-[^']*'")


class DifferenceKind(enum.StrEnum):
    """In which part two responses differ."""

    STATUS = "status"
    HEADER = "header"
    BODY = "body"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """
    One difference of two responses.

    ``name`` is that of the header, or the JSON path of the value. ``home`` and ``other`` are what
    the two have; ``excerpt`` is a unified diff around the first difference of two texts.
    """

    kind: DifferenceKind
    name: str = ""
    home: str = ""
    other: str = ""
    excerpt: tuple[str, ...] = ()


def compare(
    home: MirroredResponse, other: MirroredResponse, ignored: Ignored
) -> tuple[Difference, ...]:
    """
    Return the differences of ``other`` from ``home``, the response of the home stack.

    Responses of different status are not compared further: one of them is an error page.
    """
    if home.status != other.status:
        statuses = str(home.status), str(other.status)
        return (Difference(kind=DifferenceKind.STATUS, home=statuses[0], other=statuses[1]),)
    bodies = compare_bodies(home, other, ignored)
    # A token in the body changes these too, and is no difference.
    skipped = DIGESTS if home.body != other.body else frozenset()
    return (
        *_compare_headers(home, other, ignored.headers | skipped),
        *(
            Difference(
                kind=DifferenceKind.BODY,
                name=each.place,
                home=each.home,
                other=each.other,
                excerpt=each.excerpt,
            )
            for each in bodies
        ),
    )


def _compare_headers(
    home: MirroredResponse, other: MirroredResponse, skipped: frozenset[str]
) -> Iterator[Difference]:
    names = sorted({name.lower() for name, _ in (*home.headers, *other.headers)})
    for name in names:
        if name in OWN_HEADERS or name in skipped or name.startswith(EDGE_PREFIX):
            continue
        sides = [_normalized(name, each.values_of(name)) for each in (home, other)]
        if sides[0] != sides[1] and not (name in DATES and _are_same_time(*sides)):
            home_text, other_text = (shortened(", ".join(side)) or "no header" for side in sides)
            yield Difference(
                kind=DifferenceKind.HEADER, name=name, home=home_text, other=other_text
            )


def _normalized(name: str, values: tuple[str, ...]) -> tuple[str, ...]:
    if name == "set-cookie":
        return tuple(sorted(map(_without_value, values)))
    if name.startswith("content-security-policy"):
        return tuple(_NONCE.sub("'nonce-…'", value) for value in values)
    return values


def _without_value(cookie: str) -> str:
    """Return a Set-Cookie without its value, a secret, and without the time of its end."""
    pair, *attributes = (part.strip() for part in cookie.split(";"))
    kept = sorted(each for each in attributes if not each.lower().startswith("expires="))
    return "; ".join([f"{pair.partition('=')[0]}=…", *kept])


def _are_same_time(home: tuple[str, ...], other: tuple[str, ...]) -> bool:
    try:
        first, second = (parsedate_to_datetime(value) for (value,) in (home, other))
        return abs((first - second).total_seconds()) <= SAME_TIME_S
    except (ValueError, TypeError):
        return False
