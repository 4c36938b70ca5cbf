"""Anchors and word boundaries in PCRE's words: what they mean depends on where they stand."""

import sys
from collections.abc import Callable

from django_tandem.project.regex import charset
from django_tandem.project.regex.said import MULTILINE, NEVER, NOTHING, Place, Said, UnsayableError


def say_anchor(kind: str, place: Place) -> Said:
    """
    Return the PCRE for the parse tree's AT node named ``kind``.

    The text's start is not PCRE's: Django matches each pattern on what the one before left.
    """
    return _ANCHORS[kind](place)


def _beginning(place: Place) -> Said:
    if place.flags & MULTILINE:
        return _where(place, start=NOTHING, inside=_look(r"(?<=\n)"))
    return _beginning_of_text(place)


def _beginning_of_text(place: Place) -> Said:
    return _where(place, start=NOTHING, inside=NEVER)


def _end(place: Place) -> Said:
    return _look(r"(?=\n|\z)" if place.flags & MULTILINE else r"(?=\n?\z)")


def _end_of_text(place: Place) -> Said:
    return _look(r"\z")


def _boundary(place: Place) -> Said:
    word = charset.word(place.flags)
    inside = f"(?:(?<={word})(?!{word})|(?<!{word})(?={word}))"
    return _where(place, start=_look(f"(?={word})"), inside=_look(inside))


def _non_boundary(place: Place) -> Said:
    word = charset.word(place.flags)
    inside = f"(?:(?<={word})(?={word})|(?<!{word})(?!{word}))"
    # Before Python 3.14, \B does not match in an empty text.
    start = f"(?!{word})" if sys.version_info >= (3, 14) else rf"(?!{word}|\z)"
    return _where(place, start=_look(start), inside=_look(inside))


def _where(place: Place, *, start: Said, inside: Said) -> Said:
    if place.hi == 0:
        return start
    if place.lo >= 1:
        return inside
    raise UnsayableError("an anchor or a word boundary behind something optional")


def _look(text: str) -> Said:
    return Said(text=text, size=len(text))


_ANCHORS: dict[str, Callable[[Place], Said]] = {
    "AT_BEGINNING": _beginning,
    "AT_BEGINNING_STRING": _beginning_of_text,
    "AT_END": _end,
    "AT_END_STRING": _end_of_text,
    "AT_BOUNDARY": _boundary,
    "AT_NON_BOUNDARY": _non_boundary,
}
