"""The languages that a request can be in, and what i18n_patterns makes of its path."""

from django.conf import settings
from django.conf.locale import LANG_INFO
from django.middleware.locale import LocaleMiddleware
from django.utils import translation
from django.utils.module_loading import import_string

from django_tandem.routing.charset import literally, word
from django_tandem.routing.said import IGNORECASE

_NO_MIDDLEWARE = "no LocaleMiddleware takes the language from the path"
_SHARED = "a path can name the default language and another one in the same way"


def languages() -> tuple[str, ...]:
    """Return the languages that can be active during a request, the default one last."""
    return tuple(dict.fromkeys([*_supported(), settings.LANGUAGE_CODE]))


def prefixes(codes: tuple[str, ...], *, prefixes_default: bool) -> list[str]:
    """Return what i18n_patterns wants a path to begin with in each of the languages ``codes``."""
    default = settings.LANGUAGE_CODE
    return [f"{code}/" if prefixes_default or code != default else "" for code in codes]


def prefix_text(codes: tuple[str, ...], *, prefixes_default: bool) -> str:
    """Return the PCRE of what i18n_patterns wants a path to begin with in one of ``codes``."""
    found = prefixes(codes, prefixes_default=prefixes_default)
    texts = [literally(prefix) if prefix else _names_no_other() for prefix in found]
    return texts[0] if len(texts) == 1 else f"(?:{'|'.join(texts)})"


def why_inexact(*, prefixes_default: bool) -> str:
    """Return in words why a path does not tell its language, or "" when it does."""
    if not _follows_path():
        return _NO_MIDDLEWARE
    default = settings.LANGUAGE_CODE
    shared = default in _supported() and _first(default) in map(_first, _others())
    return _SHARED if shared and not prefixes_default else ""


def _supported() -> list[str]:
    if not settings.USE_I18N:
        return []
    codes = [code for code, _ in settings.LANGUAGES if translation.check_for_language(code)]
    return [code.lower() for code in codes]


def _others() -> list[str]:
    return [code for code in _supported() if code != settings.LANGUAGE_CODE]


def _follows_path() -> bool:
    found = map(import_string, settings.MIDDLEWARE)
    return any(isinstance(cls, type) and issubclass(cls, LocaleMiddleware) for cls in found)


def _first(code: str) -> str:
    return code.partition("-")[0]


def _names_no_other() -> str:
    # LocaleMiddleware takes /de-at/ and /DE/ for German too, whose paths begin with de/ only:
    # so nothing answers them. get_supported_language_variant() has the rules.
    others = _others()
    if not (others and _follows_path()):
        return ""
    codes = [_with_variants(literally(code, IGNORECASE), code.count("-")) for code in others]
    firsts = sorted({_first(code) for code in others if "-" in code} - set(others))
    regional = [_with_variants(literally(first), 0) for first in firsts]
    fallbacks = [
        literally(code)
        for code, info in LANG_INFO.items()
        if set(info.get("fallback", ())) & set(others) and code not in others
    ]
    return rf"(?!(?:{'|'.join([*codes, *regional, *fallbacks])})(?:/|\n?\z))"


def _with_variants(code: str, parts: int) -> str:
    # A code in a path has three parts at most, and only a hyphen cuts one off.
    part = f"{word(0)}+"
    variants = (f"(?:-{part}(?:[@\\-]{part})?)?", f"(?:-{part})?", "")
    return code + variants[min(parts, 2)]
