"""One Django pattern as a piece of PCRE, matched on what the patterns before it left."""

import enum
import functools
from dataclasses import dataclass, replace
from typing import Any

from django.urls.resolvers import RegexPattern, RoutePattern

from django_tandem.project.converters import bound_integers, refusal
from django_tandem.project.nodes import either
from django_tandem.project.regex import pcre
from django_tandem.project.regex.said import NEVER, Said, UnsayableError


class Mode(enum.Enum):
    """How Django asks a regular expression about what is left of the path."""

    PREFIX = "it searches, and hands what follows to the patterns below"
    LEAF = "it searches, and what follows doesn't matter"
    WHOLE = "all that is left must match"


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """
    A piece of PCRE that begins where the one before ended.

    What it matches begins with ``lead``; ``is_text`` when it matches that alone. ``is_ended``
    when nothing may follow. ``inexact`` says why it matches more than Django does.
    """

    text: str
    lead: str = ""
    is_text: bool = False
    is_ended: bool = False
    inexact: str = ""


def segment(pattern: Any, text: str) -> Segment:
    """
    Return the piece of PCRE for a Django pattern whose route or regex reads ``text``.

    Raise UnsayableError when there is none.
    """
    if _is_django_s(pattern, RoutePattern):
        is_endpoint = pattern._is_endpoint
        is_plain = isinstance(pattern._route, str)
        read: Any = pattern if is_plain else RoutePattern(text, is_endpoint=is_endpoint)
        regex = bound_integers(read._regex, pattern.converters)
        said = _segment(regex, Mode.LEAF if is_endpoint else Mode.PREFIX)
        why = refusal(pattern.converters)
        return replace(said, inexact=why) if why else said
    if _is_django_s(pattern, RegexPattern):
        return _segment(text, _mode(text) if pattern._is_endpoint else Mode.PREFIX)
    raise UnsayableError(f"a pattern class of its own, {type(pattern).__qualname__}")


def _is_django_s(pattern: Any, cls: Any) -> bool:
    # A subclass is as good as Django's own as long as it matches in the same way.
    return type(pattern).match is cls.match and type(pattern).regex is cls.regex


def _mode(regex: str) -> Mode:
    # Django asks this of the text, so an escaped \$ counts as well.
    return Mode.WHOLE if regex.endswith("$") else Mode.LEAF


@functools.lru_cache(maxsize=8192)
def _segment(regex: str, mode: Mode) -> Segment:
    tree = pcre.parse(regex, is_full=mode is Mode.WHOLE)
    said = pcre.say(tree, is_skipped=False) if mode is Mode.WHOLE else _search(tree)
    text = said.text + (r"\z" if tree.is_ended else "")
    if mode is Mode.PREFIX and not said.is_text:
        # Django never comes back to try another way for a prefix to match.
        text = f"(?>{text})"
    return Segment(text=text, lead=said.lead, is_text=said.is_text, is_ended=tree.is_ended)


def _search(tree: pcre.Tree) -> Said:
    here = pcre.say(tree, is_skipped=False)
    if here.is_text and not (here.lead or tree.is_ended):
        return here
    later = pcre.say(tree, is_skipped=True)
    if not later.is_dead and here.text == later.text:
        return Said(text=rf"{pcre.ANY}*?{later.text}", opened=later.opened)
    skipped = Said(text=rf"{pcre.ANY}+?{later.text}", opened=later.opened)
    ways = [*([] if here.is_dead else [here]), *([] if later.is_dead else [skipped])]
    return either(ways) if ways else NEVER
