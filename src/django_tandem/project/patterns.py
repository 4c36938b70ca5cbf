"""A chain of Django's URL patterns, from the root on, as one PathMatch for the whole path."""

import enum
import functools
from dataclasses import dataclass, replace
from typing import Any

from django.urls.resolvers import LocalePrefixPattern, RegexPattern, RoutePattern
from django.utils import translation

from django_tandem.model import PathMatch
from django_tandem.project.converters import bound_integers, refusal
from django_tandem.project.languages import (
    Languages,
    languages,
    prefix_pcre,
    prefixes,
    why_ambiguous,
)
from django_tandem.project.regex.charset import literally
from django_tandem.project.regex.fragment import (
    PcreFragment,
    UntranslatableError,
    alternation,
    common_prefix,
)
from django_tandem.project.regex.translate import ANY, ParseTree, parse, translate

# A placeholder for the language's prefix until the languages of a variant are known. No pattern
# contains it: a control character is written as \x{…}.
_LANGUAGE = "\0"
# NGINX reads no parameter longer than 4096 bytes, and quoting doubles each backslash.
_MAX_BYTES = 3900
_TOO_LONG = "a pattern too long for NGINX"
_TRANSLATED = "it is translated, and the path doesn't say the language"


class _Mode(enum.Enum):
    """How Django applies a regular expression to what is left of the path."""

    PREFIX = "it searches, and passes the rest to the patterns below"
    LEAF = "it searches, and ignores the rest"
    WHOLE = "all that is left must match"


@dataclass(frozen=True, slots=True, kw_only=True)
class PatternPcre:
    """
    One pattern as PCRE that starts where the one before ended.

    What it matches begins with ``literal_prefix``; ``is_literal`` when it matches that alone.
    ``is_anchored`` when nothing may follow; ``why_inexact`` says why it matches more than Django.
    """

    text: str
    literal_prefix: str = ""
    is_literal: bool = False
    is_anchored: bool = False
    why_inexact: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageVariant:
    """
    What a chain reads in some ``languages``, or in every one when it is None.

    ``is_literal`` when its paths are ``literal_prefix`` followed by what the next pattern
    matches, ``is_anchored`` when no pattern can match more.
    """

    languages: tuple[str, ...] | None = None
    text: str = ""
    literal_prefix: str = ""
    is_literal: bool = True
    is_anchored: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguagePrefix:
    """The prefix that i18n_patterns wants: each language's, except for the ``bare`` one."""

    known: Languages
    bare: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PatternChain:
    """
    A chain of patterns as far as it has been followed.

    ``why_inexact`` says why it matches more than Django; ``is_cut`` when it can't be extended.
    """

    variants: tuple[LanguageVariant, ...] = (LanguageVariant(),)
    language_prefix: LanguagePrefix | None = None
    why_inexact: str = ""
    is_cut: bool = False


def extend(chain: PatternChain, pattern: Any) -> PatternChain:
    """Return ``chain`` with one more of Django's patterns, which matches what is left."""
    if chain.is_cut:
        return chain
    if isinstance(pattern, LocalePrefixPattern):
        return _with_language_prefix(chain, pattern)
    try:
        return _with_pattern(chain, pattern)
    except UntranslatableError as error:
        return cut(chain, str(error))


def append(chain: PatternChain, pcre: PatternPcre) -> PatternChain:
    """Return ``chain`` with a piece of PCRE that is the same in every language."""
    variants = tuple(_appended(variant, pcre, variant.languages) for variant in chain.variants)
    return replace(chain, variants=variants)


def cut(chain: PatternChain, why: str) -> PatternChain:
    """Return ``chain`` so that it matches anything that follows, because of ``why``."""
    return replace(chain, why_inexact=chain.why_inexact or why, is_cut=True)


def path_match(chain: PatternChain) -> PathMatch:
    """Return the match of a chain that is complete, its leaf included."""
    filled = [_fill_language_prefix(variant, chain.language_prefix) for variant in chain.variants]
    texts = list(dict.fromkeys(text for text, _ in filled))
    prefix = common_prefix(each for _, literal_prefixes in filled for each in literal_prefixes)
    pcre = f"^{texts[0]}" if len(texts) == 1 else f"^(?:{'|'.join(texts)})"
    if len(pcre.encode()) + pcre.count("\\") + pcre.count('"') > _MAX_BYTES:
        # A character takes eleven bytes at most, as \x{10ffff}.
        prefix = prefix[: _MAX_BYTES // 11]
        return PathMatch(pcre=f"^{literally(prefix)}", prefix=prefix, why_inexact=_TOO_LONG)
    literal = prefix if _is_one_path(chain) else None
    return PathMatch(pcre=pcre, prefix=prefix, literal=literal, why_inexact=chain.why_inexact)


def _with_language_prefix(chain: PatternChain, pattern: LocalePrefixPattern) -> PatternChain:
    cls = type(pattern)
    own = (cls.match, cls.language_prefix)
    if own != (LocalePrefixPattern.match, LocalePrefixPattern.language_prefix):
        return cut(chain, f"a pattern class of its own, {cls.__qualname__}")
    known = languages()
    bare = None if pattern.prefix_default_language else known.default
    pcre = PatternPcre(text=_LANGUAGE, literal_prefix=_LANGUAGE, is_literal=True)
    codes = known.prefixed(bare)
    return replace(
        chain,
        variants=tuple(_appended(variant, pcre, codes) for variant in chain.variants),
        language_prefix=LanguagePrefix(known=known, bare=bare),
        why_inexact=chain.why_inexact or why_ambiguous(known, bare),
    )


def _with_pattern(chain: PatternChain, pattern: Any) -> PatternChain:
    variants: list[LanguageVariant] = []
    why_inexact = chain.why_inexact
    for variant in chain.variants:
        for text, codes in _texts_by_language(pattern, variant.languages):
            pcre = _pcre_of(pattern, text)
            why_inexact = why_inexact or pcre.why_inexact
            variants.append(_appended(variant, pcre, codes))
    if len(variants) > 1 and chain.language_prefix is None:
        why_inexact = why_inexact or _TRANSLATED
    return replace(chain, variants=tuple(variants), why_inexact=why_inexact)


def _texts_by_language(
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


def _appended(
    variant: LanguageVariant, pcre: PatternPcre, codes: tuple[str, ...] | None
) -> LanguageVariant:
    further = pcre.literal_prefix if variant.is_literal else ""
    return LanguageVariant(
        languages=codes,
        text=variant.text + pcre.text,
        literal_prefix=variant.literal_prefix + further,
        is_literal=variant.is_literal and pcre.is_literal and not variant.is_anchored,
        is_anchored=variant.is_anchored or pcre.is_anchored,
    )


def _fill_language_prefix(
    variant: LanguageVariant, language_prefix: LanguagePrefix | None
) -> tuple[str, list[str]]:
    if language_prefix is None:
        return variant.text, [variant.literal_prefix]
    codes, bare = variant.languages or (), language_prefix.bare
    text = variant.text.replace(_LANGUAGE, prefix_pcre(language_prefix.known, codes, bare))
    filled = [variant.literal_prefix.replace(_LANGUAGE, each) for each in prefixes(codes, bare)]
    return text, filled


def _is_one_path(chain: PatternChain) -> bool:
    variant = chain.variants[0]
    is_literal = variant.is_literal and variant.is_anchored and not chain.why_inexact
    return is_literal and len(chain.variants) == 1 and chain.language_prefix is None


def _pcre_of(pattern: Any, text: str) -> PatternPcre:
    # `text` is the pattern's route or regex in one of the languages.
    if _matches_as(pattern, RoutePattern):
        is_endpoint = pattern._is_endpoint
        is_plain = isinstance(pattern._route, str)
        read: Any = pattern if is_plain else RoutePattern(text, is_endpoint=is_endpoint)
        regex = bound_integers(read._regex, pattern.converters)
        pcre = _pcre_of_regex(regex, _Mode.LEAF if is_endpoint else _Mode.PREFIX)
        why = refusal(pattern.converters)
        return replace(pcre, why_inexact=why) if why else pcre
    if _matches_as(pattern, RegexPattern):
        return _pcre_of_regex(text, _mode(text) if pattern._is_endpoint else _Mode.PREFIX)
    raise UntranslatableError(f"a pattern class of its own, {type(pattern).__qualname__}")


def _matches_as(pattern: Any, cls: Any) -> bool:
    # A subclass is as good as Django's own as long as it matches in the same way.
    return type(pattern).match is cls.match and type(pattern).regex is cls.regex


def _mode(regex: str) -> _Mode:
    # Django tests the text, so an escaped \$ counts as well.
    return _Mode.WHOLE if regex.endswith("$") else _Mode.LEAF


@functools.lru_cache(maxsize=8192)
def _pcre_of_regex(regex: str, mode: _Mode) -> PatternPcre:
    tree = parse(regex, is_full=mode is _Mode.WHOLE)
    fragment = translate(tree) if mode is _Mode.WHOLE else _search(tree)
    text = fragment.text + (r"\z" if tree.is_anchored else "")
    if mode is _Mode.PREFIX and not fragment.is_literal:
        # Django never tries another way for a prefix to match.
        text = f"(?>{text})"
    return PatternPcre(
        text=text,
        literal_prefix=fragment.literal_prefix,
        is_literal=fragment.is_literal,
        is_anchored=tree.is_anchored,
    )


def _search(tree: ParseTree) -> PcreFragment:
    here = translate(tree)
    if here.is_literal and not (here.literal_prefix or tree.is_anchored):
        return here
    later = translate(tree, is_skipped=True)
    if not later.never_matches and here.text == later.text:
        return PcreFragment(text=rf"{ANY}*?{later.text}", opened=later.opened)
    skipped = PcreFragment(
        text=rf"{ANY}+?{later.text}", opened=later.opened, never_matches=later.never_matches
    )
    return alternation([each for each in (here, skipped) if not each.never_matches])
