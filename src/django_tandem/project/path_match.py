"""A chain of Django's URL patterns as one PathMatch, in all languages that a path can be in."""

import functools
from dataclasses import dataclass, replace
from typing import Any

from django.conf import settings
from django.conf.locale import LANG_INFO
from django.middleware.locale import LocaleMiddleware
from django.urls.resolvers import LocalePrefixPattern
from django.utils import translation
from django.utils.module_loading import import_string

from django_tandem.model import PathMatch
from django_tandem.project.patterns import PatternPcre, pcre_of
from django_tandem.project.regex.charset import literally, word
from django_tandem.project.regex.fragment import UntranslatableError, common_prefix

# A placeholder for the language's prefix until the languages of a variant are known. No pattern
# contains it: a control character is written as \x{…}.
_LANGUAGE = "\0"
# NGINX reads no parameter longer than 4096 bytes, and quoting doubles each backslash.
_MAX_BYTES = 3900
_TOO_LONG = "a pattern too long for NGINX"
_TRANSLATED = "it is translated, and the path does not name the language"
_NO_MIDDLEWARE = "no LocaleMiddleware takes the language from the path"
_SHARED = "a path can name the default language and another one in the same way"


@dataclass(frozen=True, slots=True, kw_only=True)
class Languages:
    """
    The project's languages, by their codes.

    ``is_in_path`` when a middleware takes a request's language from its path.
    ``is_default_supported`` when the default one or a variant of it is among them.
    """

    default: str
    supported: tuple[str, ...]
    is_in_path: bool
    is_default_supported: bool

    @property
    def active(self) -> tuple[str, ...]:
        """Those that can be active during a request."""
        return tuple(dict.fromkeys([*self.supported, self.default]))

    @property
    def others(self) -> tuple[str, ...]:
        """Those that are not the default one."""
        return tuple(code for code in self.supported if code != self.default)


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

    @property
    def codes(self) -> tuple[str, ...]:
        """The languages that i18n_patterns answers to."""
        # With "en-us" as the default and "en" supported, a request without either is in "en".
        has_default = self.bare is not None or not self.known.is_default_supported
        return self.known.active if has_default else self.known.supported

    @property
    def why_ambiguous(self) -> str:
        """Why a path does not determine its language; "" when it does."""
        if not self.known.is_in_path:
            return _NO_MIDDLEWARE
        if self.bare not in self.known.supported:
            return ""
        return _SHARED if _first(self.bare) in map(_first, self.known.others) else ""

    def texts(self, codes: tuple[str, ...]) -> list[str]:
        """Return what a path begins with in each of the languages ``codes``."""
        return ["" if code == self.bare else f"{code}/" for code in codes]


@dataclass(frozen=True, slots=True, kw_only=True)
class PatternChain:
    """
    A chain of patterns as far as it has been followed.

    ``why_inexact`` is the reason why it matches more than Django, ``is_cut`` when it can't be
    extended.
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


def path_match_of(chain: PatternChain) -> PathMatch:
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
        return cut(chain, f"a custom pattern class, {cls.__qualname__}")
    known = languages()
    bare = None if pattern.prefix_default_language else known.default
    prefix = LanguagePrefix(known=known, bare=bare)
    pcre = PatternPcre(text=_LANGUAGE, literal_prefix=_LANGUAGE, is_literal=True)
    return replace(
        chain,
        variants=tuple(_appended(variant, pcre, prefix.codes) for variant in chain.variants),
        language_prefix=prefix,
        why_inexact=chain.why_inexact or prefix.why_ambiguous,
    )


def _with_pattern(chain: PatternChain, pattern: Any) -> PatternChain:
    variants: list[LanguageVariant] = []
    why_inexact = chain.why_inexact
    for variant in chain.variants:
        for text, codes in _texts_by_language(pattern, variant.languages):
            pcre = pcre_of(pattern, text)
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
    variant: LanguageVariant, prefix: LanguagePrefix | None
) -> tuple[str, list[str]]:
    if prefix is None:
        return variant.text, [variant.literal_prefix]
    codes = variant.languages or ()
    text = variant.text.replace(_LANGUAGE, _prefix_pcre(prefix, codes))
    return text, [variant.literal_prefix.replace(_LANGUAGE, each) for each in prefix.texts(codes)]


def _is_one_path(chain: PatternChain) -> bool:
    variant = chain.variants[0]
    is_literal = variant.is_literal and variant.is_anchored and not chain.why_inexact
    return is_literal and len(chain.variants) == 1 and chain.language_prefix is None


def languages() -> Languages:
    """Return the languages that Django's settings name and that it has translations for."""
    codes = [code for code, _ in settings.LANGUAGES] if settings.USE_I18N else []
    return _languages(settings.LANGUAGE_CODE, tuple(codes), tuple(settings.MIDDLEWARE))


@functools.lru_cache(maxsize=8)
def _languages(default: str, codes: tuple[str, ...], middleware: tuple[str, ...]) -> Languages:
    classes = [found for found in map(import_string, middleware) if isinstance(found, type)]
    return Languages(
        default=default,
        supported=tuple(code.lower() for code in codes if translation.check_for_language(code)),
        is_in_path=any(issubclass(cls, LocaleMiddleware) for cls in classes),
        is_default_supported=bool(codes) and _has_variant(default),
    )


def _has_variant(code: str) -> bool:
    try:
        translation.get_supported_language_variant(code)
    except LookupError:
        return False
    return True


@functools.lru_cache(maxsize=256)
def _prefix_pcre(prefix: LanguagePrefix, codes: tuple[str, ...]) -> str:
    others = _names_no_other(prefix.known)
    texts = [literally(each) if each else others for each in prefix.texts(codes)]
    return texts[0] if len(texts) == 1 else f"(?:{'|'.join(texts)})"


def _first(code: str) -> str:
    return code.partition("-")[0]


def _names_no_other(known: Languages) -> str:
    # LocaleMiddleware reads /de-at/ and /DE/ as German too, but German paths begin with de/ only,
    # so they are 404. get_supported_language_variant() has the rules.
    others = known.others
    if not others or LanguagePrefix(known=known, bare=known.default).why_ambiguous:
        return ""
    firsts = sorted({_first(code) for code in others if "-" in code} - set(others))
    named = [[_any_case(code) for code in others if code.count("-") == parts] for parts in (0, 1)]
    longer = [_any_case(code) for code in others if code.count("-") > 1]
    fallbacks = [
        code
        for code, info in LANG_INFO.items()
        if set(info.get("fallback", ())) & set(others) and code not in others
    ]
    # A code in a path has three parts at most, and only a hyphen cuts one off.
    part = f"{word(0)}+"
    ways = [
        _with([*named[0], *firsts], f"(?:-{part}(?:[@\\-]{part})?)?"),
        _with(named[1], f"(?:-{part})?"),
        _with([*longer, *fallbacks], ""),
    ]
    return rf"(?!(?:{'|'.join(filter(None, ways))})(?:/|\n?\z))"


def _with(codes: list[str], variants: str) -> str:
    return f"(?:{'|'.join(codes)}){variants}" if codes else ""


def _any_case(code: str) -> str:
    # As str.lower() folds them; the Kelvin sign is the one letter beyond ASCII.
    sets = {"k": r"[kK\x{212a}]"}
    return "".join(
        sets.get(char, f"[{char}{char.upper()}]") if char.isalpha() else char for char in code
    )
