"""The values that pass between the functions that write PCRE."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

# Wider than any path: "no end", and the very number Python's parser has for it.
FAR = 0xFFFF_FFFF
# As plain numbers: asking an enum costs more than all the rest of a character.
IGNORECASE, MULTILINE, DOTALL = int(re.IGNORECASE), int(re.MULTILINE), int(re.DOTALL)
ASCII, TYPES = int(re.ASCII), int(re.ASCII | re.LOCALE | re.UNICODE)


class UnsayableError(Exception):
    """A construct of Python's that PCRE has no words for; the message names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """
    Where in the text a node begins: ``lo`` to ``hi`` characters after the text's start.

    ``kept`` are the groups that back-references need, ``looped`` those inside a repeat,
    ``opened`` those that PCRE has seen so far. ``is_behind`` is set inside a look-behind.
    """

    flags: int
    lo: int
    hi: int
    kept: frozenset[int] = frozenset()
    looped: frozenset[int] = frozenset()
    opened: tuple[int, ...] = ()
    is_behind: bool = False

    def after(self, part: "Said") -> "Place":
        """Return the place behind ``part``, which begins here."""
        return Place(
            flags=self.flags,
            lo=self.lo + part.lo,
            hi=min(FAR, self.hi + part.hi),
            kept=self.kept,
            looped=self.looped,
            opened=part.opened or self.opened,
            is_behind=self.is_behind,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """
    PCRE ``text`` for a node, which takes ``lo`` to ``hi`` characters that begin with ``lead``.

    ``is_text`` when it matches ``lead`` and nothing else, ``is_atom`` when a quantifier may
    follow as it is, ``is_dead`` when it can't match. ``size`` is about what PCRE compiles it to.
    """

    text: str
    lo: int = 0
    hi: int = 0
    lead: str = ""
    is_text: bool = False
    is_atom: bool = False
    is_dead: bool = False
    size: int = 0
    opened: tuple[int, ...] = ()


def common_lead(leads: Iterable[str]) -> str:
    """Return what all of ``leads``, one or more, begin with."""
    leads = sorted(leads)
    pairs = enumerate(zip(leads[0], leads[-1], strict=False))
    end = next((place for place, (one, other) in pairs if one != other), None)
    return leads[0][:end]


NOTHING = Said(text="", is_text=True)
NEVER = Said(text="(?!)", is_dead=True, size=4)
