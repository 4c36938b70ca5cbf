"""Python's regular expressions in PCRE's words, by Python's own parser."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from django_tandem.project.nodes import say_all
from django_tandem.project.regex.said import FAR, Place, Said, UnsayableError

# The one internal of Python's that is used here: re offers no public way to a parse tree.
_parser: Any = import_module("re._parser")

# What a whole regular expression must begin with: UTF-8, Unicode's properties, and none of the
# optimization that makes PCRE2 10.42 miss what ^a*(?=(?:bc)?)a should match.
VERBS = "(*UTF8)(*UCP)(*NO_AUTO_POSSESS)"
# Any character, whatever flags are set.
ANY = r"\p{Any}"
_REFERENCES = re.compile(r"\\[1-9]|\(\?P=|\(\?\(")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """
    A parsed regular expression whose last anchor ``is_ended`` stands for.

    ``kept`` are the numbers of the groups that it refers back to, ``looped`` those of the
    groups that can match more than once.
    """

    items: Any
    flags: int
    is_ended: bool
    kept: frozenset[int]
    looped: frozenset[int]


def parse(regex: str, *, is_full: bool) -> Tree:
    """
    Parse ``regex``, which is to match all of a text when ``is_full``.

    Raise UnsayableError when it is no valid regular expression.
    """
    try:
        items = _parser.parse(regex)
    except (re.error, RecursionError, OverflowError) as error:
        raise UnsayableError("an invalid regular expression") from error
    last = str(items[-1][1]) if len(items) and str(items[-1][0]) == "AT" else ""
    # Where all of the text has to match, a final $ can only stand at the very end.
    cut = last == "AT_END_STRING" or (is_full and last == "AT_END")
    has_references = _REFERENCES.search(regex)
    groups = list(_groups(items, is_looped=False)) if has_references else []
    return Tree(
        items=items[:-1] if cut else items,
        flags=items.state.flags,
        is_ended=is_full or cut,
        kept=frozenset(number for kind, number in groups if kind == "reference"),
        looped=frozenset(number for kind, number in groups if kind == "looped"),
    )


def say(tree: Tree, *, is_skipped: bool) -> Said:
    """
    Return ``tree`` in PCRE's words, without the end that ``tree.is_ended`` asks for.

    It begins at the start of the text, or at least one character on when ``is_skipped``.
    Raise UnsayableError for what PCRE can't say the same way.
    """
    lo, hi = (1, FAR) if is_skipped else (0, 0)
    place = Place(flags=tree.flags, lo=lo, hi=hi, kept=tree.kept, looped=tree.looped)
    return say_all(tree.items, place)


def _groups(items: Any, *, is_looped: bool) -> Iterator[tuple[str, int]]:
    for op, value in items:
        name = str(op)
        if name in {"GROUPREF", "GROUPREF_EXISTS"}:
            yield "reference", value if name == "GROUPREF" else value[0]
        if name == "SUBPATTERN" and is_looped and value[0] is not None:
            yield "looped", value[0]
        loops = is_looped or (name.endswith("_REPEAT") and value[1] > 1)
        for inner in _inside(name, value):
            yield from _groups(inner, is_looped=loops)


def _inside(name: str, value: Any) -> list[Any]:
    if name == "BRANCH":
        return list(value[1])
    if name == "GROUPREF_EXISTS":
        return [inner for inner in value[1:] if inner is not None]
    if name == "ATOMIC_GROUP":
        return [value]
    if name in {"SUBPATTERN", "ASSERT", "ASSERT_NOT"} or name.endswith("_REPEAT"):
        return [value[-1]]
    return []
