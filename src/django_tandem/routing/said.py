"""The values that pass between the functions that write PCRE."""

from dataclasses import dataclass

# Wider than any path: "no end", and the very number Python's parser has for it.
FAR = 0xFFFF_FFFF


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


NOTHING = Said(text="", is_text=True)
NEVER = Said(text="(?!)", is_dead=True, size=4)
