"""Two bodies → where they differ: JSON by its values, text by its lines, any other by its bytes."""

import difflib
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from django_tandem.mirror.exchange import BYTES, HTML, JSON, TEXT, MirroredResponse
from django_tandem.mirror.ignoring import Ignored, Step

# Of one pair of bodies.
MOST_PATHS = 20
# Of an excerpt: lines around the first difference, and what is left of a long one.
CONTEXT_LINES, EXCERPT_LINES, LINE_CHARACTERS = 2, 8, 200
SAME = "…"

# Each response has its own: a token of Django's forms, also in the attribute of a page's script,
# and the nonce of a Content-Security-Policy.
_ONE_TIME = (
    re.compile(
        r"""(?P<before><(?:input|meta)\b[^>]*?\bname=["']?(?:csrfmiddlewaretoken|csrf-token)\b"""
        r"""[^>]*?\b(?:value|content)=["'])[^"']*"""
    ),
    re.compile(r"""(?P<before>\bnonce=["'])[^"']*"""),
)
_DJANGO_TOKEN = re.compile(r"(?<![A-Za-z0-9])(?=[a-z0-9]*[A-Z])[A-Za-z0-9]{64}(?![A-Za-z0-9])")


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyDifference:
    """
    Where two bodies differ.

    ``place`` is a JSON path in which each index is ``[]``, "" in other bodies. ``home`` and
    ``other`` are what the two have there, and ``excerpt`` the lines of a unified diff.
    """

    place: str = ""
    home: str = ""
    other: str = ""
    excerpt: tuple[str, ...] = ()


def compare_bodies(
    home: MirroredResponse, other: MirroredResponse, ignored: Ignored
) -> list[BodyDifference]:
    """Return where the bodies differ, in the form of the first; empty where they do not."""
    if home.body == other.body:
        return []
    form = home.form if home.form == other.form else BYTES
    if form == JSON:
        try:
            return _compare_json(json.loads(home.body), json.loads(other.body), ignored)
        except (ValueError, RecursionError):
            form = TEXT
    if form in (HTML, TEXT):
        texts = (_text(each, ignored, is_html=form == HTML) for each in (home, other))
        return _compare_lines(*(text.splitlines() for text in texts))
    return [_compare_bytes(home.body, other.body)]


def _text(response: MirroredResponse, ignored: Ignored, *, is_html: bool) -> str:
    # Bytes of another encoding stay apart.
    text = response.body.decode(errors="surrogateescape")
    return _without_one_time(ignored.strip(text), is_html=is_html)


def _without_one_time(text: str, *, is_html: bool) -> str:
    for each in _ONE_TIME if is_html else ():
        text = each.sub(rf"\g<before>{SAME}", text)
    return _DJANGO_TOKEN.sub(SAME, text)


# JSON


def _compare_json(home: Any, other: Any, ignored: Ignored) -> list[BodyDifference]:
    found: dict[str, BodyDifference] = {}
    for path, left, right in _unequal(home, other, ignored, ()):
        place = "$" + "".join(f".{step}" if isinstance(step, str) else "[]" for step in path)
        # An array of a thousand objects may differ in each of them.
        found.setdefault(place, BodyDifference(place=place, home=_shown(left), other=_shown(right)))
        if len(found) == MOST_PATHS:
            break
    return list(found.values())


class _Missing:
    """No value at all, where the other side has one."""


_MISSING = _Missing()


def _unequal(
    home: Any, other: Any, ignored: Ignored, path: tuple[Step, ...]
) -> Iterator[tuple[tuple[Step, ...], Any, Any]]:
    if ignored.has_path(path):
        return
    if isinstance(home, dict) and isinstance(other, dict):
        for key in dict.fromkeys((*home, *other)):
            sides = (home.get(key, _MISSING), other.get(key, _MISSING))
            yield from _unequal(*sides, ignored, (*path, key))
    elif isinstance(home, list) and isinstance(other, list):
        for index, sides in enumerate(zip_longest(home, other, fillvalue=_MISSING)):
            yield from _unequal(*sides, ignored, (*path, index))
    elif _leaf(home, ignored) != _leaf(other, ignored):
        yield path, home, other


def _leaf(value: Any, ignored: Ignored) -> tuple[type, Any]:
    # 1, 1.0 and true are equal to Python, and not to a client.
    if isinstance(value, str):
        return str, _without_one_time(ignored.strip(value), is_html=False)
    return type(value), value


def _shown(value: Any) -> str:
    text = "no value" if value is _MISSING else json.dumps(value, ensure_ascii=False)
    return shortened(text)


# Text and bytes


def _compare_lines(home: list[str], other: list[str]) -> list[BodyDifference]:
    # Only line ends may differ.
    pairs = enumerate(zip_longest(home, other))
    first = next((index for index, (left, right) in pairs if left != right), None)
    if first is None:
        return []
    if first < len(home) and first < len(other):
        cut = _cut_of(home[first], other[first])
        home, other = (
            [*side[:first], f"…{side[first][cut:]}" if cut else side[first], *side[first + 1 :]]
            for side in (home, other)
        )
    window = slice(max(0, first - CONTEXT_LINES), first + EXCERPT_LINES)
    before, after = (list(map(shortened, side[window])) for side in (home, other))
    diff = list(difflib.unified_diff(before, after, lineterm="", n=CONTEXT_LINES))[2:]
    home_line, other_line = (
        shortened(side[first]) if first < len(side) else "no line" for side in (home, other)
    )
    # The numbers of the diff are those of the window.
    lines = (line for line in diff if not line.startswith("@@"))
    excerpt = (f"@@ line {first + 1} @@", *lines)
    return [BodyDifference(home=home_line, other=other_line, excerpt=excerpt)]


def _cut_of(home: str, other: str) -> int:
    """Return from where on two long lines are shown, so that their difference is."""
    same = len(os.path.commonprefix((home, other)))  # noqa: RUF071 - characters are compared
    return max(0, same - LINE_CHARACTERS // 4) if same > LINE_CHARACTERS // 2 else 0


def _compare_bytes(home: bytes, other: bytes) -> BodyDifference:
    pairs = enumerate(zip(home, other, strict=False))
    first = next((at for at, (left, right) in pairs if left != right), min(len(home), len(other)))
    home_text, other_text = (
        f"{len(body):,} bytes, at byte {first:,}: {body[first : first + 16].hex(' ')}".rstrip(": ")
        for body in (home, other)
    )
    return BodyDifference(home=home_text, other=other_text)


def shortened(text: str) -> str:
    """Return ``text`` as an example has it: not longer than LINE_CHARACTERS."""
    return text if len(text) <= LINE_CHARACTERS else f"{text[: LINE_CHARACTERS - 1]}…"
