"""A route's match, compared with Django's resolver for every URLconf, and its languages."""

from collections.abc import Iterator
from itertools import filterfalse

import pytest
from django.test import override_settings
from django.urls.resolvers import LocalePrefixPattern
from oracle.cases import Case, case_of, module_of, names, settings_of
from oracle.resolver import path_of, resolve_with_django
from oracle.targets import plain, refusal, targets_of
from project.builders import leaf, match_of


@pytest.fixture(params=names())
def module(request: pytest.FixtureRequest) -> Iterator:
    """Each URLconf, by its own settings."""
    found = module_of(request.param)
    with override_settings(**settings_of(found)):
        yield found


@pytest.fixture
def case(module) -> Case:
    """Its routes."""
    return case_of(module.__name__)


def test_a_route_is_exact_unless_its_urlconf_says_why_not(module, case) -> None:
    """What can be translated exactly is; the rest gives its reason."""
    reasons = dict.fromkeys(
        route.match.why_inexact for route in case.routes if route.match.why_inexact
    )

    assert tuple(reasons) == getattr(module, "INEXACT", ())


def test_every_path_of_a_route_begins_with_its_prefix(module, case) -> None:
    """``prefix`` is never longer than true, and ``literal`` is the only path there is."""
    for target in filterfalse(refusal, targets_of(module.PATHS)):
        resolution = resolve_with_django(case.urlconf, target)
        if resolution is None or case.is_below_branch(resolution):
            continue
        routes = zip(case.routes, case.numbers, strict=True)
        matches = [route.match for route, number in routes if number == resolution.number]
        path = path_of(target)

        assert any(path.startswith(match.prefix) for match in matches)
        assert len(matches) > 1 or matches[0].literal in {None, path}


def test_a_literal_path_is_answered_by_its_route(case) -> None:
    """A route that says it has one path only is the first to match it, or is shadowed."""
    for at, route in enumerate(case.routes):
        if route.match.literal is not None:
            resolution = resolve_with_django(case.urlconf, plain(route.match.literal))

            assert resolution.number in case.numbers[: at + 1]


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
