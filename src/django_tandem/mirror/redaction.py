"""Examples of differences are written to disk and shown: secrets are removed from them first."""

import re
from collections.abc import Iterator
from urllib.parse import parse_qsl, quote

from django_tandem.mirror.bodies import shortened

ELLIPSIS = "…"
_NAMES = (
    r"(?:pass(?:word|wd)?|secret|token|credential|api[_-]?key|auth\w*|csrf\w*|session\w*|cookie)"
)
# Each repetition ends at a character that it can't match, from a word's first character on: the
# time is in proportion to the length of a text, which a client may have chosen.
_LABEL = re.compile(r"""(?<![\w-])(?P<name>[\w-]+)["']?\s*[:=]\s*""")
_VALUE = re.compile(r""""[^"]*"|'[^']*'|[^\s"'<>&,;}\]]+""")
# The field of a form, or an object: one of these names what another has the value of.
_FIELD = re.compile(
    rf"""(?<![\w-])(?:name|id|type|property|key)["']?\s*[:=]\s*["']?[\w.-]*?{_NAMES}""",
    re.IGNORECASE,
)
_FIELD_VALUES = frozenset({"value", "content"})
_BETWEEN_BRACKETS = re.compile(r"[^<>]+")
# Letters with digits among them, too long for a word: keys, session ids, JSON Web Tokens.
_TOKEN = re.compile(r"(?<![\w.=+-])(?=[\w.=+-]*[0-9])(?=[\w.=+-]*[A-Za-z])[\w.=+-]{24,}")
_NAME = re.compile(_NAMES, re.IGNORECASE)


def redacted(text: str) -> str:
    """Return ``text`` without the values that look like secrets."""
    parts, end = [], 0
    for begin, value_end in _secret_values(text):
        parts += [text[end:begin], ELLIPSIS]
        end = value_end
    return _TOKEN.sub(ELLIPSIS, "".join((*parts, text[end:])))


def _secret_values(text: str) -> Iterator[tuple[int, int]]:
    """Yield where the values begin and end that have the name of a secret."""
    end = 0
    for part in _BETWEEN_BRACKETS.finditer(text):
        is_field = _FIELD.search(part[0])
        for label in _LABEL.finditer(text, part.start(), part.end()):
            is_value = is_field and label["name"].lower() in _FIELD_VALUES
            # The value of one may have the name of the next.
            if label.start() < end or not (is_value or _NAME.search(label["name"])):
                continue
            value = _VALUE.match(text, label.end())
            if value:
                end = value.end()
                yield value.span()


def redacted_value(name: str, text: str) -> str:
    """Return the ``text`` of a value called ``name``, which may name a secret itself."""
    return ELLIPSIS if _NAME.search(name) else redacted(text)


def redacted_target(target: str) -> str:
    """Return a request target with the names of its query, and without their values."""
    path, mark, query = target.partition("?")
    if not mark:
        return shortened(redacted(path))
    names = dict.fromkeys(name for name, _ in parse_qsl(query, keep_blank_values=True))
    shown = "&".join(f"{redacted(quote(name))}={ELLIPSIS}" for name in names)
    return f"{shortened(redacted(path))}?{shortened(shown)}"
