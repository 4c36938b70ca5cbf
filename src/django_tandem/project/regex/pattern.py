"""A chain of Django's patterns, from the root on, as one PathMatch for the whole path."""

from dataclasses import dataclass, replace
from typing import Any

from django.urls.resolvers import LocalePrefixPattern
from django.utils import translation

from django_tandem.model import PathMatch
from django_tandem.project.languages import (
    Languages,
    languages,
    prefix_text,
    prefixes,
    why_inexact,
)
from django_tandem.project.regex.charset import literally
from django_tandem.project.regex.said import UnsayableError, common_lead
from django_tandem.project.regex.segment import Segment, segment

# Stands for the language's prefix until it is known which languages a text is for. No pattern
# holds it as it is: a control character is written as \x{…}.
_LOCALE = "\0"
# NGINX reads no word longer than 4096 bytes, and quoting doubles each backslash.
_LONGEST = 3900
_TOO_LONG = "a pattern too long for NGINX"
_TRANSLATED = "it is translated, and the path doesn't say the language"


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """
    What a chain reads in some ``languages``, or in every one when it is None.

    Its paths begin with ``lead``; ``is_text`` when they are ``lead`` and then anything that
    the next pattern takes, ``is_ended`` when no pattern can take more.
    """

    languages: tuple[str, ...] | None = None
    text: str = ""
    lead: str = ""
    is_text: bool = True
    is_ended: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Locale:
    """What i18n_patterns asks for: a prefix of every language's but for the ``bare`` one."""

    known: Languages
    bare: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stem:
    """
    A chain of patterns as far as it has been followed.

    ``is_cut`` when what follows can't be said; ``inexact`` says why it matches too much.
    """

    variants: tuple[Variant, ...] = (Variant(),)
    locale: Locale | None = None
    inexact: str = ""
    is_cut: bool = False


def extend(stem: Stem, pattern: Any) -> Stem:
    """Return ``stem`` with one more of Django's patterns, which is given what is left."""
    if stem.is_cut:
        return stem
    if isinstance(pattern, LocalePrefixPattern):
        return _prefixed(stem, pattern)
    try:
        return _extended(stem, pattern)
    except UnsayableError as error:
        return cut(stem, str(error))


def append(stem: Stem, part: Segment) -> Stem:
    """Return ``stem`` with a piece of PCRE that is the same in every language."""
    grown = tuple(_grown(variant, part, variant.languages) for variant in stem.variants)
    return replace(stem, variants=grown)


def cut(stem: Stem, why: str) -> Stem:
    """Return ``stem`` so that it matches whatever follows, because of ``why``."""
    return replace(stem, inexact=stem.inexact or why, is_cut=True)


def _prefixed(stem: Stem, pattern: LocalePrefixPattern) -> Stem:
    cls = type(pattern)
    own = (cls.match, cls.language_prefix)
    if own != (LocalePrefixPattern.match, LocalePrefixPattern.language_prefix):
        return cut(stem, f"a pattern class of its own, {cls.__qualname__}")
    known = languages()
    bare = None if pattern.prefix_default_language else known.default
    why = stem.inexact or why_inexact(known, bare)
    stem = replace(stem, locale=Locale(known=known, bare=bare), inexact=why)
    part = Segment(text=_LOCALE, lead=_LOCALE, is_text=True)
    variants = tuple(_grown(variant, part, known.prefixed(bare)) for variant in stem.variants)
    return replace(stem, variants=variants)


def _extended(stem: Stem, pattern: Any) -> Stem:
    variants: list[Variant] = []
    inexact = stem.inexact
    for variant in stem.variants:
        for text, codes in _readings(pattern, variant.languages):
            part = segment(pattern, text)
            inexact = inexact or part.inexact
            variants.append(_grown(variant, part, codes))
    if len(variants) > 1 and stem.locale is None:
        inexact = inexact or _TRANSLATED
    return replace(stem, variants=tuple(variants), inexact=inexact)


def _readings(
    pattern: Any, codes: tuple[str, ...] | None
) -> list[tuple[str, tuple[str, ...] | None]]:
    raw = getattr(pattern, "_route", getattr(pattern, "_regex", ""))
    if isinstance(raw, str):
        return [(raw, codes)]
    by_text: dict[str, tuple[str, ...]] = {}
    for code in codes or languages().active:
        with translation.override(code):
            by_text[str(raw)] = (*by_text.get(str(raw), ()), code)
    return list(by_text.items())


def _grown(variant: Variant, part: Segment, codes: tuple[str, ...] | None) -> Variant:
    return Variant(
        languages=codes,
        text=variant.text + part.text,
        lead=variant.lead + part.lead if variant.is_text else variant.lead,
        is_text=variant.is_text and part.is_text and not variant.is_ended,
        is_ended=variant.is_ended or part.is_ended,
    )


def finish(stem: Stem) -> PathMatch:
    """Return the match of a chain that is complete, its leaf included."""
    placed = [_placed(variant, stem.locale) for variant in stem.variants]
    texts = list(dict.fromkeys(text for text, _ in placed))
    prefix = common_lead(lead for _, leads in placed for lead in leads)
    pcre = f"^{texts[0]}" if len(texts) == 1 else f"^(?:{'|'.join(texts)})"
    if len(pcre.encode()) + pcre.count("\\") + pcre.count('"') > _LONGEST:
        # A character takes eleven at most, as \x{10ffff}.
        prefix = prefix[: _LONGEST // 11]
        return PathMatch(pcre=f"^{literally(prefix)}", prefix=prefix, inexact=_TOO_LONG)
    literal = prefix if _is_one_path(stem) else None
    return PathMatch(pcre=pcre, prefix=prefix, literal=literal, inexact=stem.inexact)


def _placed(variant: Variant, locale: Locale | None) -> tuple[str, list[str]]:
    if locale is None:
        return variant.text, [variant.lead]
    codes = variant.languages or ()
    text = variant.text.replace(_LOCALE, prefix_text(locale.known, codes, locale.bare))
    found = prefixes(codes, locale.bare)
    return text, [variant.lead.replace(_LOCALE, prefix) for prefix in found]


def _is_one_path(stem: Stem) -> bool:
    variant = stem.variants[0]
    is_text = variant.is_text and variant.is_ended and not stem.inexact
    return is_text and len(stem.variants) == 1 and stem.locale is None
