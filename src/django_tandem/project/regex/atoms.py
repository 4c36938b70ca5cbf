"""The nodes of Python's regex parse tree that hold no others, in PCRE's words."""

from collections.abc import Callable
from typing import Any

from django_tandem.project.regex import charset
from django_tandem.project.regex.anchors import say_anchor
from django_tandem.project.regex.said import (
    DOTALL,
    FAR,
    IGNORECASE,
    NEVER,
    Place,
    Said,
    UnsayableError,
)

_ANY = Said(text=r"\p{Any}", lo=1, hi=1, is_atom=True, size=3)


def _literals(chars: str, place: Place) -> Said:
    text = charset.literally(chars, place.flags)
    is_text = not place.flags & IGNORECASE or text == charset.literally(chars)
    return Said(
        text=text,
        lo=len(chars),
        hi=len(chars),
        lead=chars if is_text else "",
        is_text=is_text,
        is_atom=len(chars) == 1,
        size=len(text),
    )


def _set(items: list[tuple[Any, Any]], place: Place) -> Said:
    return _one(charset.charset(items, place.flags))


def _not_literal(value: int, place: Place) -> Said:
    return _set([("NEGATE", None), ("LITERAL", value)], place)


def _any(_: None, place: Place) -> Said:
    return _ANY if place.flags & DOTALL else _one(r"[^\n]")


def _one(text: str) -> Said:
    return Said(text=text, lo=1, hi=1, is_atom=True, size=len(text))


def _anchor(kind: object, place: Place) -> Said:
    return say_anchor(str(kind), place)


def _never(_: object, __: Place) -> Said:
    return NEVER


def _reference(number: int, place: Place) -> Said:
    if place.flags & IGNORECASE:
        raise UnsayableError("a back-reference that ignores case")
    back = steps_back(number, place)
    if not back:
        return NEVER
    return Said(text=rf"\g{{-{back}}}", hi=FAR, is_atom=True, size=5)


def steps_back(number: int, place: Place) -> int:
    """
    Return how many captured groups back group ``number`` opened, 0 when it can't have matched.

    Counted back, not numbered, a reference stays right when patterns are joined into one.
    """
    if place.is_behind:
        raise UnsayableError("a back-reference in a look-behind")
    # Which round's text a group keeps is a place where the two engines part.
    if number in place.looped:
        raise UnsayableError("a back-reference to a repeated group")
    if number not in place.opened:
        return 0
    return len(place.opened) - place.opened.index(number)


ATOMS: dict[str, Callable[[Any, Place], Said]] = {
    "LITERAL": _literals,
    "NOT_LITERAL": _not_literal,
    "IN": _set,
    "ANY": _any,
    "AT": _anchor,
    "FAILURE": _never,
    "GROUPREF": _reference,
}
