"""Examples of differences are written to disk and shown: secrets are removed from them first."""

import re
from urllib.parse import parse_qsl, quote

ELLIPSIS = "…"
_NAMES = (
    r"(?:pass(?:word|wd)?|secret|token|credential|api[_-]?key|auth\w*|csrf\w*|session\w*|cookie)"
)
_NAMED = re.compile(
    rf"""(?P<before>\b[\w-]*{_NAMES}[\w-]*["']?\s*[:=]\s*)(?P<value>"[^"]*"|'[^']*'|[^\s"'<>&,;}}\]]+)""",
    re.IGNORECASE,
)
# Letters with digits among them, too long for a word: keys, session ids, JSON Web Tokens.
_TOKEN = re.compile(r"(?<![\w.-])(?=[\w.=+-]*[0-9])(?=[\w.=+-]*[A-Za-z])[\w.=+-]{24,}")
_NAME = re.compile(_NAMES, re.IGNORECASE)


def redacted(text: str) -> str:
    """Return ``text`` without the values that look like secrets."""
    return _TOKEN.sub(ELLIPSIS, _NAMED.sub(rf"\g<before>{ELLIPSIS}", text))


def redacted_value(name: str, text: str) -> str:
    """Return the ``text`` of a value called ``name``, which may name a secret itself."""
    return ELLIPSIS if _NAME.search(name) else redacted(text)


def redacted_target(target: str) -> str:
    """Return a request target with the names of its query, and without their values."""
    path, mark, query = target.partition("?")
    if not mark:
        return redacted(path)
    names = dict.fromkeys(name for name, _ in parse_qsl(query, keep_blank_values=True))
    return f"{redacted(path)}?{'&'.join(f'{quote(name)}={ELLIPSIS}' for name in names)}"
