"""One regex in front of a long table: what no ASGI rule can match is WSGI's at once."""

import os
from collections.abc import Iterable

from django_tandem.model import EdgeRule, Stack
from django_tandem.project.regex.charset import literally


def guard(rules: Iterable[EdgeRule], *, longest: int) -> str | None:
    """
    Return a PCRE of at most ``longest`` bytes for paths that begin as none of the ASGI rules does.

    NGINX tries a table's lines one after the other, so that a request for WSGI, which is most of
    them, would pay for each. Returns None where the rules have no beginning in common to tell.
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
    """Say all of ``texts`` with their common beginnings said once; what one begins covers it."""
    if "" in texts or not texts:
        return ""
    by_first: dict[str, set[str]] = {}
    for text in texts:
        by_first.setdefault(text[0], set()).add(text)
    said = [_alternative(by_first[first]) for first in sorted(by_first)]
    return said[0] if len(said) == 1 else f"(?:{'|'.join(said)})"


def _alternative(texts: set[str]) -> str:
    common = os.path.commonprefix(list(texts))  # noqa: RUF071 - characters are what counts here
    return literally(common) + _alternatives({text[len(common) :] for text in texts})
