"""Our PCRE of a route's paths → the same as a regular expression of Python."""

import re

from django_tandem.project.regex.charset import _NOT_WORD, _WORD

# PCRE's names of the classes that the translation writes out, the longer ones first.
_CLASSES = (
    (_NOT_WORD, r"\W"),
    (_WORD, r"\w"),
    (r"\p{Nd}", r"\d"),
    (r"\P{Nd}", r"\D"),
    (r"\p{Any}", r"(?s:.)"),
    (r"\z", r"\Z"),
)
_CODE_POINT = re.compile(r"\\x\{([0-9a-f]+)\}")


def python_regex(pcre: str) -> str | None:
    """Return ``pcre`` in Python's syntax; None where Python has no such expression."""
    text = pcre
    for theirs, ours in _CLASSES:
        text = text.replace(theirs, ours)
    text = _CODE_POINT.sub(lambda found: f"\\U{int(found[1], 16):08x}", text)
    try:
        re.compile(text)
    except re.error:
        return None
    return text
