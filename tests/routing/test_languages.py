"""Languages in a path, as LocaleMiddleware sees them."""

from contextlib import closing

import pytest
from django.test import override_settings
from django.urls.resolvers import LocalePrefixPattern

from routing.builders import leaf, match_of
from routing.edge import NOTHING, Edge, programs
from routing.tables import ask_django, table_of

ENGLISH_US = override_settings(LANGUAGE_CODE="en-us")
PATHS = (
    "/en/about/",
    "/en-us/about/",
    "/en-gb/about/",
    "/de/about/",
    "/about/",
    "/en/x/",
    "/en-us/x/",
    "/x/",
)


@pytest.mark.parametrize("name", ["i18n", "i18n_without_the_default"])
def test_a_default_language_that_is_no_supported_one_has_no_prefix_of_its_own(name: str) -> None:
    """What startproject makes: "en-us" for a default, and "en" among the languages."""
    with ENGLISH_US:
        table = table_of(name)
        wanted = {path: ask_django(table, path) or NOTHING for path in PATHS}
        with closing(Edge(programs()[0].path, [table])) as edge:
            got = {path: edge.ask(name, path) for path in PATHS}

    assert got == wanted


def test_without_locale_middleware_any_language_may_be_meant() -> None:
    """Who activates the language then isn't known, so every prefix matches."""
    with override_settings(MIDDLEWARE=[]):
        match = match_of(LocalePrefixPattern(prefix_default_language=False), leaf("a/"))

    assert match.pcre == r"^/(?:|de/|pt-br/)a/\z"
    assert match.inexact == "no LocaleMiddleware takes the language from the path"


def test_without_translation_there_is_one_language() -> None:
    """USE_I18N off leaves the default language alone."""
    with override_settings(USE_I18N=False):
        assert match_of(LocalePrefixPattern(), leaf("a/")).pcre == r"^/en/a/\z"


def test_a_default_language_with_a_sister_is_told_apart_by_the_request() -> None:
    """Where a path's /en-nz/ may mean either of two Englishes, the match is not exact."""
    languages = [("en", "English"), ("en-gb", "British English")]
    with override_settings(LANGUAGES=languages):
        match = match_of(LocalePrefixPattern(prefix_default_language=False), leaf("a/"))

    assert match.inexact == "a path can name the default language and another one in the same way"
