"""Languages in a path, as LocaleMiddleware sees them."""

from django.test import override_settings
from django.urls.resolvers import LocalePrefixPattern
from project.builders import leaf, match_of


def test_without_locale_middleware_any_language_may_be_meant() -> None:
    """Who activates the language then isn't known, so every prefix matches."""
    with override_settings(MIDDLEWARE=[]):
        match = match_of(LocalePrefixPattern(prefix_default_language=False), leaf("a/"))

    assert match.pcre == r"^/(?:|de/|pt-br/)a/\z"
    assert match.why_inexact == "no LocaleMiddleware takes the language from the path"


def test_without_translation_there_is_one_language() -> None:
    """USE_I18N off leaves the default language alone."""
    with override_settings(USE_I18N=False):
        assert match_of(LocalePrefixPattern(), leaf("a/")).pcre == r"^/en/a/\z"


def test_a_default_language_with_a_sister_needs_the_request() -> None:
    """Where a path's /en-nz/ may mean either of two Englishes, the match is not exact."""
    languages = [("en", "English"), ("en-gb", "British English")]
    with override_settings(LANGUAGES=languages):
        match = match_of(LocalePrefixPattern(prefix_default_language=False), leaf("a/"))

    assert match.pcre == r"^/(?:|en-gb/)a/\z"
    assert (
        match.why_inexact == "a path can name the default language and another one in the same way"
    )
