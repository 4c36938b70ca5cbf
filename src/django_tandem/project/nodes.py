"""The nodes of Python's regex parse tree that hold others, in PCRE's words."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import groupby
from typing import Any

from django_tandem.project.regex.atoms import ATOMS, steps_back
from django_tandem.project.regex.repeats import quantified
from django_tandem.project.regex.said import (
    FAR,
    NEVER,
    NOTHING,
    TYPES,
    Place,
    Said,
    UnsayableError,
    common_lead,
)


def say_all(items: Iterable[tuple[Any, Any]], place: Place) -> Said:
    """
    Return the PCRE for nodes that follow one another, the first one at ``place``.

    Raise UnsayableError for what PCRE can't say the same way.
    """
    said: list[Said] = []
    for name, run in groupby(items, key=_name):
        values = [value for _, value in run]
        if name == "LITERAL":
            values = ["".join(map(chr, values))]
        for value in values:
            part = _SAY[name](value, place)
            if part.is_dead:
                return NEVER
            said.append(part)
            place = place.after(part)
    return _joined(said, place.opened)


def _name(item: tuple[Any, Any]) -> str:
    return str(item[0].name)


def _joined(said: list[Said], opened: tuple[int, ...]) -> Said:
    if len(said) == 1:
        return replace(said[0], opened=opened) if opened else said[0]
    lead, is_text = "", True
    for part in said:
        lead += part.lead if is_text else ""
        is_text = is_text and part.is_text
    return Said(
        text="".join(part.text for part in said),
        lo=sum(part.lo for part in said),
        hi=min(FAR, sum(part.hi for part in said)),
        lead=lead,
        is_text=is_text,
        size=sum(part.size for part in said),
        opened=opened,
    )


def _branch(value: tuple[None, list[Any]], place: Place) -> Said:
    said: list[Said] = []
    for items in value[1]:
        part = say_all(items, place)
        if not part.is_dead:
            said.append(part)
            place = replace(place, opened=part.opened)
    return either(said) if said else NEVER


def either(said: list[Said]) -> Said:
    """Return the PCRE that tries each of ``said`` in turn."""
    if len(said) == 1:
        return said[0]
    return Said(
        text=f"(?:{'|'.join(part.text for part in said)})",
        lo=min(part.lo for part in said),
        hi=max(part.hi for part in said),
        lead=common_lead(part.lead for part in said),
        is_atom=True,
        size=sum(part.size for part in said) + 10,
        opened=said[-1].opened,
    )


def _group(value: tuple[int | None, int, int, Any], place: Place) -> Said:
    number, added, removed, items = value
    flags = place.flags & ~TYPES if added & TYPES else place.flags
    place = replace(place, flags=(flags | added) & ~removed)
    if number not in place.kept:
        return say_all(items, place)
    inner = say_all(items, replace(place, opened=(*place.opened, number)))
    return _wrapped(inner, f"({inner.text})")


def _atomic(items: Any, place: Place) -> Said:
    inner = say_all(items, place)
    return _wrapped(inner, f"(?>{inner.text})")


def _wrapped(inner: Said, text: str) -> Said:
    return inner if inner.is_dead else replace(inner, text=text, is_atom=True)


def _repeat(suffix: str) -> Callable[[tuple[int, int, Any], Place], Said]:
    def say(value: tuple[int, int, Any], place: Place) -> Said:
        least, most, items = int(value[0]), min(FAR, int(value[1])), value[2]
        # All but the first round begin further on.
        far = most > 1 and items.getwidth()[1] > 0
        inner = say_all(items, replace(place, hi=FAR) if far else place)
        if inner.is_dead and least:
            return NEVER
        if inner.is_dead or most == 0:
            return replace(NOTHING, opened=place.opened)
        return quantified(inner, least, most, suffix)

    return say


def _look(sign: str) -> Callable[[tuple[int, Any], Place], Said]:
    def say(value: tuple[int, Any], place: Place) -> Said:
        direction, items = value
        # A negative look at what can't be there is always true, and the other way round.
        hopeless = NEVER if sign == "=" else replace(NOTHING, opened=place.opened)
        if direction > 0:
            inner = say_all(items, place)
            return hopeless if inner.is_dead else _looked(inner, f"(?{sign}{inner.text})")
        width = items.getwidth()[0]
        if place.hi < width:
            return hopeless
        if place.lo < width:
            raise UnsayableError("a look-behind that may reach before its pattern's start")
        back = replace(place, lo=place.lo - width, hi=place.hi - width, is_behind=True)
        inner = say_all(items, back)
        return hopeless if inner.is_dead else _looked(inner, f"(?<{sign}{inner.text})")

    return say


def _looked(inner: Said, text: str) -> Said:
    return Said(text=text, size=inner.size + 10, opened=inner.opened)


def _conditional(value: tuple[int, Any, Any | None], place: Place) -> Said:
    number, if_set, if_not = value
    back = steps_back(number, place)
    if not back:
        return say_all(if_not or (), place)
    yes = say_all(if_set, place)
    no = say_all(if_not or (), replace(place, opened=yes.opened or place.opened))
    text = f"(?(-{back}){yes.text}|{no.text})"
    return replace(either([yes, no]), text=text, lead="", opened=no.opened or yes.opened)


_SAY: dict[str, Callable[[Any, Place], Said]] = {
    **ATOMS,
    "BRANCH": _branch,
    "SUBPATTERN": _group,
    "ATOMIC_GROUP": _atomic,
    "MAX_REPEAT": _repeat(""),
    "MIN_REPEAT": _repeat("?"),
    "POSSESSIVE_REPEAT": _repeat("+"),
    "ASSERT": _look("="),
    "ASSERT_NOT": _look("!"),
    "GROUPREF_EXISTS": _conditional,
}
