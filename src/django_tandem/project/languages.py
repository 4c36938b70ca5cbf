"""The languages that a request can be in, and what i18n_patterns makes of its path."""

import functools
from dataclasses import dataclass

from django.conf import settings
from django.conf.locale import LANG_INFO
from django.middleware.locale import LocaleMiddleware
from django.utils import translation
from django.utils.module_loading import import_string

from django_tandem.project.regex.charset import literally, word

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

    def prefixed(self, bare: str | None) -> tuple[str, ...]:
        """Return those that i18n_patterns answers to, with no prefix for the ``bare`` one."""
        # With "en-us" as the default and "en" supported, a request without either is in "en".
        has_default = bare is not None or not self.is_default_supported
        return self.active if has_default else self.supported

    @property
    def others(self) -> tuple[str, ...]:
        """Those that are not the default one."""
        return tuple(code for code in self.supported if code != self.default)


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


def prefixes(codes: tuple[str, ...], default: str | None) -> list[str]:
    """
    Return what a path begins with in each of the languages ``codes``.

    ``default`` is the language that has no prefix, when there is one.
    """
    return ["" if code == default else f"{code}/" for code in codes]


@functools.lru_cache(maxsize=256)
def prefix_pcre(known: Languages, codes: tuple[str, ...], default: str | None) -> str:
    """Return the PCRE for ``prefixes`` in a path of one of the languages ``codes``."""
    found = prefixes(codes, default)
    texts = [literally(prefix) if prefix else _names_no_other(known) for prefix in found]
    return texts[0] if len(texts) == 1 else f"(?:{'|'.join(texts)})"


def why_ambiguous(known: Languages, default: str | None) -> str:
    """Say why a path does not determine its language; "" when it does."""
    if not known.is_in_path:
        return _NO_MIDDLEWARE
    if default not in known.supported:
        return ""
    return _SHARED if _first(default) in map(_first, known.others) else ""


def _first(code: str) -> str:
    return code.partition("-")[0]


def _names_no_other(known: Languages) -> str:
    # LocaleMiddleware reads /de-at/ and /DE/ as German too, but German paths begin with de/ only,
    # so they are 404. get_supported_language_variant() has the rules.
    others = known.others
    if not others or why_ambiguous(known, known.default):
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
