"""The literal prefixes of a route's paths, for a router that has no regular expressions."""

import enum
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django_tandem.model import PathMatch
from django_tandem.project.regex.charset import python_regex
from django_tandem.project.regex.fragment import IGNORECASE, UntranslatableError
from django_tandem.project.regex.translate import parse

# Of one pattern: i18n_patterns has a prefix for each language, and Django has about a hundred.
MOST_PREFIXES = 128
# A set of more characters is not spelled out.
MOST_CHARACTERS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class LiteralPrefix:
    """What a path begins with; ``is_whole`` when nothing follows it."""

    text: str
    is_whole: bool = False


def literal_prefixes(match: PathMatch) -> tuple[LiteralPrefix, ...]:
    """
    Return the prefixes of ``match``: each path that it matches begins with one of them.

    Other paths may as well: look-arounds and what follows the first variable part are ignored.
    """
    if match.literal is not None:
        return (LiteralPrefix(text=match.literal, is_whole=True),)
    known = [_lengthened(text, match.prefix) for text in _texts(match.pcre)]
    prefixes = (
        LiteralPrefix(text=text.text, is_whole=text.end is _End.WHOLE) for text in known if text
    )
    return tuple(dict.fromkeys(prefixes))


class _End(enum.Enum):
    """What is known of a path behind a text."""

    OPEN = "the rest of the pattern follows"
    WHOLE = "nothing follows"
    CUT = "anything may follow"


@dataclass(frozen=True, slots=True)
class _Text:
    text: str = ""
    end: _End = _End.OPEN


_EMPTY = (_Text(),)
_UNKNOWN = (_Text("", _End.CUT),)


def _lengthened(text: _Text, prefix: str) -> _Text | None:
    """Return ``text`` with what is known of every path; None if no path begins with both."""
    if text.text.startswith(prefix):
        return text
    is_possible = prefix.startswith(text.text) and text.end is not _End.WHOLE
    return _Text(prefix, _End.CUT) if is_possible else None


def _texts(pcre: str) -> tuple[_Text, ...]:
    regex = python_regex(pcre)
    try:
        tree = parse(regex or "", is_full=False)
    except UntranslatableError:
        return _UNKNOWN
    if regex is None or tree.flags & IGNORECASE:
        return _UNKNOWN
    found = _sequence(tree.items)
    return _closed(found, _End.WHOLE if tree.is_anchored else _End.CUT)


def _closed(texts: Iterable[_Text], end: _End) -> tuple[_Text, ...]:
    return tuple(_Text(one.text, end) if one.end is _End.OPEN else one for one in texts)


def _sequence(items: Iterable[tuple[Any, Any]]) -> tuple[_Text, ...]:
    found: tuple[_Text, ...] = _EMPTY
    for op, value in items:
        found = _followed(found, _NODES[str(op)](value))
    return found


def _followed(texts: tuple[_Text, ...], by: tuple[_Text, ...]) -> tuple[_Text, ...]:
    still_open = sum(one.end is _End.OPEN for one in texts)
    if len(texts) - still_open + still_open * len(by) > MOST_PREFIXES:
        return _closed(texts, _End.CUT)
    return _distinct(
        _Text(one.text + next_one.text, next_one.end) if one.end is _End.OPEN else one
        for one in texts
        for next_one in (by if one.end is _End.OPEN else _EMPTY)
    )


def _distinct(texts: Iterable[_Text]) -> tuple[_Text, ...]:
    return tuple(dict.fromkeys(texts))


def _literal(value: int) -> tuple[_Text, ...]:
    return (_Text(chr(value)),)


def _set(members: list[tuple[Any, Any]]) -> tuple[_Text, ...]:
    values: list[int] = []
    for op, value in members:
        if str(op) == "LITERAL":
            values.append(value)
        elif str(op) == "RANGE" and value[1] - value[0] < MOST_CHARACTERS:
            values += range(value[0], value[1] + 1)
        else:
            return _UNKNOWN
    return _UNKNOWN if len(values) > MOST_CHARACTERS else tuple(_Text(chr(each)) for each in values)


def _branch(value: tuple[None, list[Any]]) -> tuple[_Text, ...]:
    found = _distinct(text for items in value[1] for text in _sequence(items))
    return found if len(found) <= MOST_PREFIXES else _UNKNOWN


def _group(value: tuple[Any, int, int, Any]) -> tuple[_Text, ...]:
    return _UNKNOWN if value[1] & IGNORECASE else _sequence(value[-1])


def _repeat(value: tuple[int, Any, Any]) -> tuple[_Text, ...]:
    least, most, items = int(value[0]), int(value[1]), value[2]
    once = _sequence(items) if most == 1 else _closed(_sequence(items), _End.CUT)
    return once if least else _distinct([*_EMPTY, *once])


def _anchor(kind: object) -> tuple[_Text, ...]:
    return (_Text("", _End.WHOLE),) if str(kind) == "AT_END_STRING" else _EMPTY


def _ignored(_: object) -> tuple[_Text, ...]:
    return _EMPTY


def _unknown(_: object) -> tuple[_Text, ...]:
    return _UNKNOWN


def _never(_: object) -> tuple[_Text, ...]:
    return ()


_NODES: dict[str, Callable[[Any], tuple[_Text, ...]]] = {
    "LITERAL": _literal,
    "NOT_LITERAL": _unknown,
    "IN": _set,
    "ANY": _unknown,
    "FAILURE": _never,
    "AT": _anchor,
    "BRANCH": _branch,
    "SUBPATTERN": _group,
    "ATOMIC_GROUP": _sequence,
    "GROUPREF": _unknown,
    "GROUPREF_EXISTS": _unknown,
    "MAX_REPEAT": _repeat,
    "MIN_REPEAT": _repeat,
    "POSSESSIVE_REPEAT": _repeat,
    "ASSERT": _ignored,
    "ASSERT_NOT": _ignored,
}
