"""The edge's rules as lines of an NGINX map: merged neighbours, and a guard in front of many."""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from django_tandem.model import EdgeRule, Stack
from django_tandem.project.regex.charset import literally
from django_tandem.project.regex.translate import VERBS
from django_tandem.render.quoting import NGINX_PARAMETER_BYTES

# Quoting may double each backslash, and the verbs come on top.
LONGEST_REGEX = NGINX_PARAMETER_BYTES // 2 - 100

# A guard is one more regex to match, which pays off only in front of several.
GUARDED_LINES = 4
GUARD = "Paths with no ASGI prefix: most requests match here and skip the lines below."


@dataclass(frozen=True, slots=True, kw_only=True)
class MapLine:
    """One line of the map: a regular expression, its stack, and the patterns it was made from."""

    regex: str
    stack: str
    origin: str


def route_map(rules: Sequence[EdgeRule]) -> list[MapLine]:
    """Return the lines of the map for ``rules``; NGINX takes the first that matches."""
    lines = merge_neighbours(rules)
    found = guard(rules, longest=LONGEST_REGEX) if len(lines) >= GUARDED_LINES else None
    if found is None:
        return lines
    return [MapLine(regex=f"~{VERBS}{found}", stack=Stack.WSGI.value, origin=GUARD), *lines]


def merge_neighbours(rules: Iterable[EdgeRule]) -> list[MapLine]:
    """
    Merge neighbours that lead to the same stack into one line.

    Only neighbours: Django and NGINX both take the first pattern that matches,
    so a rule that moved past another could send a path to the other stack.
    """
    return [
        _merged(part)
        for _, group in groupby(rules, key=lambda rule: rule.stack)
        for part in _short_enough(group)
    ]


def _short_enough(rules: Iterable[EdgeRule]) -> Iterator[list[EdgeRule]]:
    part: list[EdgeRule] = []
    length = 0
    for rule in rules:
        if part and length + len(rule.match.pcre.encode()) > LONGEST_REGEX:
            yield part
            part, length = [], 0
        part.append(rule)
        length += len(rule.match.pcre.encode()) + 4
    yield part


def _merged(rules: Sequence[EdgeRule]) -> MapLine:
    texts = [rule.match.pcre for rule in rules]
    # Without a group each, a flag or an alternative would leak into the next pattern.
    regex = texts[0] if len(texts) == 1 else "|".join(f"(?:{text})" for text in texts)
    return MapLine(
        regex=f"~{VERBS}{regex}",
        stack=rules[0].stack.value,
        origin=rules[0].origin if len(rules) == 1 else f"{rules[0].origin} … {rules[-1].origin}",
    )


def guard(rules: Iterable[EdgeRule], *, longest: int) -> str | None:
    """
    Return a PCRE of at most ``longest`` bytes for paths that have no ASGI rule's prefix.

    NGINX tries the lines of a map one after the other. Most requests are for WSGI, and without
    a guard each of them would try every line. Returns None when the rules have no prefix in
    common that would exclude a path.
    """
    prefixes = {rule.match.prefix for rule in rules if rule.stack is Stack.ASGI}
    kept, shortest, too_long = "", 1, max(map(len, prefixes), default=0) + 1
    while shortest < too_long:
        length = (shortest + too_long) // 2
        text = f"^(?!{_alternatives({prefix[:length] for prefix in prefixes})})"
        if len(text.encode()) > longest:
            too_long = length
        else:
            kept, shortest = text, length + 1
    # Every path begins with a slash.
    return None if kept in ("", "^(?!/)", "^(?!)") else kept


def _alternatives(texts: set[str]) -> str:
    """Write ``texts`` as a regex in which a common beginning stands once, as in a trie."""
    if "" in texts or not texts:
        return ""
    by_first: dict[str, set[str]] = {}
    for text in texts:
        by_first.setdefault(text[0], set()).add(text)
    parts = [_alternative(by_first[first]) for first in sorted(by_first)]
    return parts[0] if len(parts) == 1 else f"(?:{'|'.join(parts)})"


def _alternative(texts: set[str]) -> str:
    common = os.path.commonprefix(list(texts))  # noqa: RUF071 - characters are compared
    return literally(common) + _alternatives({text[len(common) :] for text in texts})


def strip_regex(prefix: str) -> str:
    """
    Match a raw request target below ``prefix``, and capture the rest as ``$tandem_rest``.

    The target is matched before it is decoded, so that the rest stays as the client sent
    it; the prefix is therefore matched percent-encoded too.
    """
    inside = "".join(_maybe_encoded(character) for character in prefix[1:])
    return f"^/{inside}(?<tandem_rest>.*)$"


def _maybe_encoded(character: str) -> str:
    encoded = "".join(f"%{byte:02x}" for byte in character.encode())
    plain = re.escape(character) if character.isascii() else encoded
    return f"(?:{plain}|(?i:{encoded}))"
