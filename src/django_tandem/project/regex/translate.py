"""Python's regular expressions → PCRE, node by node of the tree that Python's parser makes."""

import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from importlib import import_module
from itertools import groupby
from typing import Any

from django_tandem.project.regex import charset
from django_tandem.project.regex.fragment import (
    CHARACTER_TYPES,
    DOTALL,
    EMPTY,
    IGNORECASE,
    MULTILINE,
    NEVER,
    UNBOUNDED,
    PcreFragment,
    Position,
    UntranslatableError,
    alternation,
    concatenated,
    quantified,
)

# The one internal of Python's that is used here: re has no public way to a parse tree.
_parser: Any = import_module("re._parser")

# PCRE's verbs at the start of a pattern, which each whole regular expression needs: UTF-8,
# Unicode's properties, and without the optimization that makes PCRE2 10.42 miss what
# ^a*(?=(?:bc)?)a should match.
START_VERBS = "(*UTF8)(*UCP)(*NO_AUTO_POSSESS)"
# Any character, whichever flags are set.
ANY = r"\p{Any}"
_REFERENCES = re.compile(r"\\[1-9]|\(\?P=|\(\?\(")


@dataclass(frozen=True, slots=True, kw_only=True)
class ParseTree:
    """
    A parsed regular expression, without its last anchor when ``is_anchored`` at the end.

    ``referenced`` are the numbers of the groups that it refers back to, ``repeated`` those of
    the groups that can match more than once.
    """

    items: Any
    flags: int
    is_anchored: bool
    referenced: frozenset[int]
    repeated: frozenset[int]


def parse(regex: str, *, is_full: bool) -> ParseTree:
    """
    Parse ``regex``, which has to match the whole text when ``is_full``.

    Raise UntranslatableError when it is no valid regular expression.
    """
    try:
        items = _parser.parse(regex)
    except (re.error, RecursionError, OverflowError) as error:
        raise UntranslatableError("an invalid regular expression") from error
    last = str(items[-1][1]) if len(items) and str(items[-1][0]) == "AT" else ""
    # Where the whole text has to match, a final $ can only stand at the very end.
    is_cut = last == "AT_END_STRING" or (is_full and last == "AT_END")
    groups = list(_groups(items, is_repeated=False)) if _REFERENCES.search(regex) else []
    return ParseTree(
        items=items[:-1] if is_cut else items,
        flags=items.state.flags,
        is_anchored=is_full or is_cut,
        referenced=frozenset(number for kind, number in groups if kind == "referenced"),
        repeated=frozenset(number for kind, number in groups if kind == "repeated"),
    )


def translate(tree: ParseTree, *, is_skipped: bool = False) -> PcreFragment:
    """
    Return ``tree`` in PCRE, without the anchor that ``tree.is_anchored`` stands for.

    It starts at the beginning of the text, or at least one character on when ``is_skipped``.
    Raise UntranslatableError for what PCRE can't match in the same way.
    """
    position = Position(
        flags=tree.flags,
        earliest=1 if is_skipped else 0,
        latest=UNBOUNDED if is_skipped else 0,
        referenced=tree.referenced,
        repeated=tree.repeated,
    )
    return _sequence(tree.items, position)


def _groups(items: Any, *, is_repeated: bool) -> Iterator[tuple[str, int]]:
    for op, value in items:
        name = str(op)
        if name in {"GROUPREF", "GROUPREF_EXISTS"}:
            yield "referenced", value if name == "GROUPREF" else value[0]
        if name == "SUBPATTERN" and is_repeated and value[0] is not None:
            yield "repeated", value[0]
        repeats = is_repeated or (name.endswith("_REPEAT") and value[1] > 1)
        for inner in _children(name, value):
            yield from _groups(inner, is_repeated=repeats)


def _children(name: str, value: Any) -> list[Any]:
    if name == "BRANCH":
        return list(value[1])
    if name == "GROUPREF_EXISTS":
        return [inner for inner in value[1:] if inner is not None]
    if name == "ATOMIC_GROUP":
        return [value]
    if name in {"SUBPATTERN", "ASSERT", "ASSERT_NOT"} or name.endswith("_REPEAT"):
        return [value[-1]]
    return []


def _sequence(items: Iterable[tuple[Any, Any]], position: Position) -> PcreFragment:
    fragments: list[PcreFragment] = []
    for name, run in groupby(items, key=_name):
        values = [value for _, value in run]
        if name == "LITERAL":
            values = ["".join(map(chr, values))]
        for value in values:
            fragment = _NODES[name](value, position)
            if fragment.never_matches:
                return NEVER
            fragments.append(fragment)
            position = position.after(fragment)
    return concatenated(fragments, position.opened)


def _name(item: tuple[Any, Any]) -> str:
    return str(item[0].name)


# Characters and sets

_ANY_CHARACTER = PcreFragment(text=ANY, shortest=1, longest=1, is_atom=True, size=3)


def _literals(chars: str, position: Position) -> PcreFragment:
    text = charset.literally(chars, position.flags)
    is_literal = not position.flags & IGNORECASE or text == charset.literally(chars)
    return PcreFragment(
        text=text,
        shortest=len(chars),
        longest=len(chars),
        literal_prefix=chars if is_literal else "",
        is_literal=is_literal,
        is_atom=len(chars) == 1,
        size=len(text),
    )


def _set(items: list[tuple[Any, Any]], position: Position) -> PcreFragment:
    return _character(charset.charset(items, position.flags))


def _not_literal(value: int, position: Position) -> PcreFragment:
    return _set([("NEGATE", None), ("LITERAL", value)], position)


def _any(_: None, position: Position) -> PcreFragment:
    return _ANY_CHARACTER if position.flags & DOTALL else _character(r"[^\n]")


def _character(text: str) -> PcreFragment:
    return PcreFragment(text=text, shortest=1, longest=1, is_atom=True, size=len(text))


def _failure(_: object, __: Position) -> PcreFragment:
    return NEVER


# Anchors and word boundaries. The beginning of a text isn't PCRE's: Django matches each pattern
# against what the one before left.


def _anchor(kind: object, position: Position) -> PcreFragment:
    return _ANCHORS[str(kind)](position)


def _beginning(position: Position) -> PcreFragment:
    if position.flags & MULTILINE:
        return _by_position(position, at_start=EMPTY, inside=_assertion(r"(?<=\n)"))
    return _beginning_of_text(position)


def _beginning_of_text(position: Position) -> PcreFragment:
    return _by_position(position, at_start=EMPTY, inside=NEVER)


def _end(position: Position) -> PcreFragment:
    return _assertion(r"(?=\n|\z)" if position.flags & MULTILINE else r"(?=\n?\z)")


def _end_of_text(_: Position) -> PcreFragment:
    return _assertion(r"\z")


def _boundary(position: Position) -> PcreFragment:
    word = charset.word(position.flags)
    inside = f"(?:(?<={word})(?!{word})|(?<!{word})(?={word}))"
    at_start = _assertion(f"(?={word})")
    return _by_position(position, at_start=at_start, inside=_assertion(inside))


def _non_boundary(position: Position) -> PcreFragment:
    word = charset.word(position.flags)
    inside = f"(?:(?<={word})(?={word})|(?<!{word})(?!{word}))"
    # Before Python 3.14, \B does not match in an empty text.
    at_start = f"(?!{word})" if sys.version_info >= (3, 14) else rf"(?!{word}|\z)"
    return _by_position(position, at_start=_assertion(at_start), inside=_assertion(inside))


def _by_position(
    position: Position, *, at_start: PcreFragment, inside: PcreFragment
) -> PcreFragment:
    if position.latest == 0:
        return at_start
    if position.earliest >= 1:
        return inside
    raise UntranslatableError("an anchor or a word boundary behind something optional")


def _assertion(text: str) -> PcreFragment:
    return PcreFragment(text=text, size=len(text))


_ANCHORS: dict[str, Callable[[Position], PcreFragment]] = {
    "AT_BEGINNING": _beginning,
    "AT_BEGINNING_STRING": _beginning_of_text,
    "AT_END": _end,
    "AT_END_STRING": _end_of_text,
    "AT_BOUNDARY": _boundary,
    "AT_NON_BOUNDARY": _non_boundary,
}


# Groups, and references to them


def _branch(value: tuple[None, list[Any]], position: Position) -> PcreFragment:
    fragments: list[PcreFragment] = []
    for items in value[1]:
        fragment = _sequence(items, position)
        if not fragment.never_matches:
            fragments.append(fragment)
            position = replace(position, opened=fragment.opened)
    return alternation(fragments)


def _group(value: tuple[int | None, int, int, Any], position: Position) -> PcreFragment:
    number, added, removed, items = value
    kept = ~CHARACTER_TYPES if added & CHARACTER_TYPES else ~0
    position = replace(position, flags=(position.flags & kept | added) & ~removed)
    if number not in position.referenced:
        return _sequence(items, position)
    inner = _sequence(items, replace(position, opened=(*position.opened, number)))
    return _enclosed(inner, f"({inner.text})")


def _atomic(items: Any, position: Position) -> PcreFragment:
    inner = _sequence(items, position)
    return _enclosed(inner, f"(?>{inner.text})")


def _enclosed(inner: PcreFragment, text: str) -> PcreFragment:
    return inner if inner.never_matches else replace(inner, text=text, is_atom=True)


def _reference(number: int, position: Position) -> PcreFragment:
    if position.flags & IGNORECASE:
        raise UntranslatableError("a back-reference that ignores case")
    distance = _distance(number, position)
    if not distance:
        return NEVER
    return PcreFragment(text=rf"\g{{-{distance}}}", longest=UNBOUNDED, is_atom=True, size=5)


def _conditional(value: tuple[int, Any, Any | None], position: Position) -> PcreFragment:
    number, if_set, if_not = value
    distance = _distance(number, position)
    if not distance:
        return _sequence(if_not or (), position)
    yes = _sequence(if_set, position)
    no = _sequence(if_not or (), replace(position, opened=yes.opened or position.opened))
    text = f"(?(-{distance}){yes.text}|{no.text})"
    either = alternation([yes, no])
    return replace(either, text=text, literal_prefix="", opened=no.opened or yes.opened)


def _distance(number: int, position: Position) -> int:
    """
    Return how many captured groups back group ``number`` opened, 0 when it can't have matched.

    Counted back, not numbered, a reference stays right when patterns are joined into one.
    """
    if position.is_in_lookbehind:
        raise UntranslatableError("a back-reference in a look-behind")
    # The two engines differ in which round's text a repeated group keeps.
    if number in position.repeated:
        raise UntranslatableError("a back-reference to a repeated group")
    if number not in position.opened:
        return 0
    return len(position.opened) - position.opened.index(number)


# Repeats and look-arounds


def _repeat(suffix: str) -> Callable[[tuple[int, int, Any], Position], PcreFragment]:
    def node(value: tuple[int, int, Any], position: Position) -> PcreFragment:
        least, most, items = int(value[0]), min(UNBOUNDED, int(value[1])), value[2]
        # All but the first round start further on.
        moves = most > 1 and items.getwidth()[1] > 0
        inner = _sequence(items, replace(position, latest=UNBOUNDED) if moves else position)
        if inner.never_matches and least:
            return NEVER
        if inner.never_matches or most == 0:
            return replace(EMPTY, opened=position.opened)
        return quantified(inner, least, most, suffix)

    return node


def _look_around(sign: str) -> Callable[[tuple[int, Any], Position], PcreFragment]:
    def node(value: tuple[int, Any], position: Position) -> PcreFragment:
        direction, items = value
        # A negative look at what can't be there is always true, and the other way round.
        moot = NEVER if sign == "=" else replace(EMPTY, opened=position.opened)
        if direction > 0:
            inner = _sequence(items, position)
            return moot if inner.never_matches else _looking(inner, f"(?{sign}{inner.text})")
        width = items.getwidth()[0]
        if position.latest < width:
            return moot
        inner = _sequence(items, _behind(position, width))
        return moot if inner.never_matches else _looking(inner, f"(?<{sign}{inner.text})")

    return node


def _looking(inner: PcreFragment, text: str) -> PcreFragment:
    return PcreFragment(text=text, size=inner.size + 10, opened=inner.opened)


def _behind(position: Position, width: int) -> Position:
    if position.earliest < width:
        raise UntranslatableError("a look-behind that may reach before its pattern's start")
    return replace(
        position,
        earliest=position.earliest - width,
        latest=position.latest - width,
        is_in_lookbehind=True,
    )


_NODES: dict[str, Callable[[Any, Position], PcreFragment]] = {
    "LITERAL": _literals,
    "NOT_LITERAL": _not_literal,
    "IN": _set,
    "ANY": _any,
    "FAILURE": _failure,
    "AT": _anchor,
    "BRANCH": _branch,
    "SUBPATTERN": _group,
    "ATOMIC_GROUP": _atomic,
    "GROUPREF": _reference,
    "GROUPREF_EXISTS": _conditional,
    "MAX_REPEAT": _repeat(""),
    "MIN_REPEAT": _repeat("?"),
    "POSSESSIVE_REPEAT": _repeat("+"),
    "ASSERT": _look_around("="),
    "ASSERT_NOT": _look_around("!"),
}
