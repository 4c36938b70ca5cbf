"""Pieces of PCRE text, with what is known of the paths they match, and how they are combined."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

# Longer than any path: "unbounded", and the very number that Python's parser uses for it.
UNBOUNDED = 0xFFFF_FFFF
# As plain numbers: testing an enum's flag costs more than the rest of the work on a character.
IGNORECASE, MULTILINE, DOTALL = int(re.IGNORECASE), int(re.MULTILINE), int(re.DOTALL)
ASCII, CHARACTER_TYPES = int(re.ASCII), int(re.ASCII | re.LOCALE | re.UNICODE)
# PCRE's own limits: of a counted repeat, and (with room to spare) of the compiled pattern.
_MAX_REPEATS = 65535
_MAX_COMPILED_SIZE = 6000


class UntranslatableError(Exception):
    """A construct of Python's that has no equal in PCRE; the message names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PcreFragment:
    """
    PCRE ``text`` that matches between ``shortest`` and ``longest`` characters.

    All that it matches begins with ``literal_prefix``; ``is_literal`` when it matches that and
    nothing else. A quantifier may follow an ``is_atom`` directly. ``size`` estimates its compiled
    size, ``opened`` lists the groups that PCRE has counted up to its end.
    """

    text: str
    shortest: int = 0
    longest: int = 0
    literal_prefix: str = ""
    is_literal: bool = False
    is_atom: bool = False
    never_matches: bool = False
    size: int = 0
    opened: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """
    Where in the text a node starts: ``earliest`` to ``latest`` characters from the beginning.

    ``referenced`` are the groups that back-references need, ``repeated`` those inside a repeat,
    ``opened`` those that PCRE has counted so far.
    """

    flags: int
    earliest: int
    latest: int
    referenced: frozenset[int] = frozenset()
    repeated: frozenset[int] = frozenset()
    opened: tuple[int, ...] = ()
    is_in_lookbehind: bool = False

    def after(self, fragment: PcreFragment) -> "Position":
        """Return the position at the end of ``fragment``, which starts here."""
        # Written out: replace() takes twice as long, and this runs for each node.
        return Position(
            flags=self.flags,
            earliest=self.earliest + fragment.shortest,
            latest=min(UNBOUNDED, self.latest + fragment.longest),
            referenced=self.referenced,
            repeated=self.repeated,
            opened=fragment.opened or self.opened,
            is_in_lookbehind=self.is_in_lookbehind,
        )


EMPTY = PcreFragment(text="", is_literal=True)
NEVER = PcreFragment(text="(?!)", never_matches=True, size=4)


def common_prefix(texts: Iterable[str]) -> str:
    """Return the longest text that all of ``texts``, one or more, begin with."""
    texts = sorted(texts)
    pairs = enumerate(zip(texts[0], texts[-1], strict=False))
    end = next((index for index, (one, other) in pairs if one != other), None)
    return texts[0][:end]


def concatenated(fragments: Sequence[PcreFragment], opened: tuple[int, ...]) -> PcreFragment:
    """Return the PCRE that matches ``fragments`` one after the other."""
    if len(fragments) == 1:
        return replace(fragments[0], opened=opened) if opened else fragments[0]
    literal_prefix, is_literal = "", True
    for fragment in fragments:
        literal_prefix += fragment.literal_prefix if is_literal else ""
        is_literal = is_literal and fragment.is_literal
    return PcreFragment(
        text="".join(fragment.text for fragment in fragments),
        shortest=sum(fragment.shortest for fragment in fragments),
        longest=min(UNBOUNDED, sum(fragment.longest for fragment in fragments)),
        literal_prefix=literal_prefix,
        is_literal=is_literal,
        size=sum(fragment.size for fragment in fragments),
        opened=opened,
    )


def alternation(fragments: Sequence[PcreFragment]) -> PcreFragment:
    """Return the PCRE that tries each of ``fragments`` in turn; NEVER for none."""
    if not fragments:
        return NEVER
    if len(fragments) == 1:
        return fragments[0]
    return PcreFragment(
        text=f"(?:{'|'.join(fragment.text for fragment in fragments)})",
        shortest=min(fragment.shortest for fragment in fragments),
        longest=max(fragment.longest for fragment in fragments),
        literal_prefix=common_prefix(fragment.literal_prefix for fragment in fragments),
        is_atom=True,
        size=sum(fragment.size for fragment in fragments) + 10,
        opened=fragments[-1].opened,
    )


def quantified(inner: PcreFragment, least: int, most: int, suffix: str) -> PcreFragment:
    """
    Return the PCRE for ``least`` to ``most`` times ``inner``; ``suffix`` is "", "?" or "+".

    Raise UntranslatableError beyond PCRE's limits.
    """
    if least == most == 1 and not suffix:
        return inner
    if least > _MAX_REPEATS or _MAX_REPEATS < most < UNBOUNDED:
        raise UntranslatableError(f"a repeat of more than {_MAX_REPEATS}")
    atom = inner.text if inner.is_atom else f"(?:{inner.text})"
    # Only a group is compiled once for each round; a single character is counted.
    is_character = (inner.shortest, inner.longest) == (1, 1)
    copies = 1 if is_character else max(least, 1 if most == UNBOUNDED else most)
    if inner.size * copies > _MAX_COMPILED_SIZE:
        raise UntranslatableError("a repeat that compiles to too much")
    return PcreFragment(
        text=f"{atom}{_quantifier(least, most)}{suffix}",
        shortest=min(UNBOUNDED, inner.shortest * least),
        longest=min(UNBOUNDED, inner.longest * most),
        literal_prefix=inner.literal_prefix if least else "",
        size=inner.size * copies + 10,
        opened=inner.opened,
    )


def _quantifier(least: int, most: int) -> str:
    short = {(0, 1): "?", (0, UNBOUNDED): "*", (1, UNBOUNDED): "+"}.get((least, most))
    if short:
        return short
    if least == most:
        return f"{{{least}}}"
    return f"{{{least},{'' if most == UNBOUNDED else most}}}"
