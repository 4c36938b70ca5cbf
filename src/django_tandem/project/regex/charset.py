"""Characters and their sets: from Python's regex parse tree to PCRE text, and back to Python."""

import functools
import re
from collections.abc import Iterable, Iterator
from typing import Any

from django_tandem.project.regex.fragment import ASCII, IGNORECASE, UntranslatableError

_SPECIAL = frozenset(r"\^$.[]|()?*+{}")
_ESCAPES = {ord(char): f"\\{char}" for char in _SPECIAL}
_SPECIAL_IN_SET = frozenset(r"\^[]-")
# Written out: \w, \s, \d and \b match different characters in PCRE 8, 10.42 and 10.43, and in
# none of them Python's. Together the seven categories cover every character; the code points are
# the connectors (Pc) without "_".
_WORD = r"\p{L}\p{N}_"
_NOT_WORD = (
    r"\p{M}\p{S}\p{Z}\p{C}\p{Pd}\p{Ps}\p{Pe}\p{Pi}\p{Pf}\p{Po}"
    r"\x{203f}\x{2040}\x{2054}\x{fe33}\x{fe34}\x{fe4d}-\x{fe4f}\x{ff3f}"
)
_SPACE = (
    r"\x{9}-\x{d}\x{1c}-\x{20}\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}"
    r"\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}"
)
_NOT_SPACE = (
    r"\x{0}-\x{8}\x{e}-\x{1b}\x{21}-\x{84}\x{86}-\x{9f}\x{a1}-\x{167f}\x{1681}-\x{1fff}"
    r"\x{200b}-\x{2027}\x{202a}-\x{202e}\x{2030}-\x{205e}\x{2060}-\x{2fff}\x{3001}-\x{10ffff}"
)
_UNICODE = {
    "CATEGORY_DIGIT": r"\p{Nd}",
    "CATEGORY_NOT_DIGIT": r"\P{Nd}",
    "CATEGORY_SPACE": _SPACE,
    "CATEGORY_NOT_SPACE": _NOT_SPACE,
    "CATEGORY_WORD": _WORD,
    "CATEGORY_NOT_WORD": _NOT_WORD,
}
_ASCII = {
    "CATEGORY_DIGIT": "0-9",
    "CATEGORY_NOT_DIGIT": r"\x{0}-\x{2f}\x{3a}-\x{10ffff}",
    "CATEGORY_SPACE": r"\x{9}-\x{d}\x{20}",
    "CATEGORY_NOT_SPACE": r"\x{0}-\x{8}\x{e}-\x{1f}\x{21}-\x{10ffff}",
    "CATEGORY_WORD": "0-9A-Z_a-z",
    "CATEGORY_NOT_WORD": r"\x{0}-\x{2f}\x{3a}-\x{40}\x{5b}-\x{5e}\x{60}\x{7b}-\x{10ffff}",
}
# Every character that has a case is below this; a search beyond it would only cost time.
_CASED_END = 0x20000
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


def literally(text: str, flags: int = 0) -> str:
    """Return the PCRE that matches what ``text``, taken literally, matches under ``flags``."""
    if not flags & IGNORECASE and text.isascii() and text.isprintable():
        return text.translate(_ESCAPES)
    return "".join(_literal(char, flags) for char in text)


def _literal(char: str, flags: int) -> str:
    variants = _case_variants(char, flags)
    if len(variants) == 1:
        return _escaped(char, _SPECIAL)
    return f"[{''.join(map(_escaped, variants))}]"


def _escaped(char: str, special: frozenset[str] = _SPECIAL_IN_SET) -> str:
    if char in special:
        return "\\" + char
    if "\ud800" <= char <= "\udfff":
        raise UntranslatableError("a lone surrogate")
    return char if char.isprintable() else f"\\x{{{ord(char):x}}}"


def charset(items: Iterable[tuple[Any, Any]], flags: int) -> str:
    """Return the PCRE set for the ``items`` of the parse tree's IN node."""
    parts: list[str] = []
    negate = ""
    for op, value in items:
        if str(op) == "NEGATE":
            negate = "^"
        else:
            parts.extend(_members(str(op), value, flags))
    if parts == [r"\p{Nd}"] and not negate:
        return parts[0]
    return f"[{negate}{''.join(dict.fromkeys(parts))}]"


def word(flags: int) -> str:
    """Return the PCRE set of the characters that Python counts as part of a word."""
    return f"[{_categories(flags)['CATEGORY_WORD']}]"


def _members(op: str, value: Any, flags: int) -> Iterator[str]:
    if op == "LITERAL":
        yield from map(_escaped, _case_variants(chr(value), flags))
    elif op == "RANGE":
        first, last = map(chr, value)
        yield f"{_escaped(first)}-{_escaped(last)}"
        if flags & IGNORECASE:
            for char in _cased(first, last):
                yield from map(_escaped, _case_variants(char, flags)[1:])
    else:
        yield _categories(flags)[str(value)]


def _categories(flags: int) -> dict[str, str]:
    return _ASCII if flags & ASCII else _UNICODE


def _case_variants(char: str, flags: int) -> tuple[str, ...]:
    if not flags & IGNORECASE:
        return (char,)
    return _folded(char, flags & (IGNORECASE | ASCII))


@functools.lru_cache(maxsize=4096)
def _folded(char: str, flags: int) -> tuple[str, ...]:
    # By Python's own engine: PCRE folds other letters (the Turkish dotless i, for one), so no
    # (?i) is ever written.
    regex = re.compile(re.escape(char), flags)
    others = {other for key in _keys(char) for other in _by_key().get(key, ())}
    others |= {other for near in tuple(others) for key in _keys(near) for other in _by_key()[key]}
    return (char, *sorted(other for other in others - {char} if regex.fullmatch(other)))


def _keys(char: str) -> set[str]:
    return {char.lower()[0], char.upper()[0]}


@functools.cache
def _by_key() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for char in map(chr, range(_CASED_END)):
        keys = _keys(char)
        if keys != {char}:
            for key in keys:
                found.setdefault(key, set()).add(char)
    return found


def _cased(first: str, last: str) -> list[str]:
    cased = {char for group in _by_key().values() for char in group}
    return sorted(char for char in cased if first <= char <= last)


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
