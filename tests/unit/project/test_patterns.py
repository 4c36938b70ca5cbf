"""Chains of Django's patterns as one match; test_oracle.py asks which paths they match."""

import pytest
from django.urls.resolvers import LocalePrefixPattern, RegexPattern
from project.builders import leaf, match_of, prefix, stem
from urlconfs import translated

from django_tandem.model import PathMatch


@pytest.mark.parametrize(
    ("chain", "pcre"),
    [
        ([leaf("")], r"^/\z"),
        ([leaf("about/")], r"^/about/\z"),
        ([leaf("a.b/<int:pk>/")], r"^/a\.b/[0-9]{1,4300}/\z"),
        ([leaf("<str:a>-<slug:b>")], r"^/[^/]+-[-a-zA-Z0-9_]+\z".replace("[-a", r"[\-a")),
        ([leaf("<path:p>")], r"^/[^\n]+\z"),
        ([stem("api/"), leaf("lots/")], r"^/api/lots/\z"),
        ([stem("<slug:s>/"), leaf("x")], r"^/(?>[\-a-zA-Z0-9_]+/)x\z"),
        ([prefix("^a|ab"), "^c$"], r"^/(?>(?:(?:a|ab)|\p{Any}+?ab))c\z"),
        (["^foo"], "^/foo"),
        (["foo"], r"^/\p{Any}*?foo"),
        (["^a|b$"], r"^/(?:a|b(?=\n?\z))\z"),
        ([r"^(?P<uri>\d{4})/$"], r"^/\p{Nd}{4}/\z"),
        (["^(?!api).*$"], r"^/(?!api)[^\n]*\z"),
        ([""], "^/"),
    ],
)
def test_a_chain_reads_like_the_patterns_it_is_made_of(chain: list, pcre: str) -> None:
    """Prefixes that can match in several ways are atomic, the rest is bare."""
    assert match_of(*chain).pcre == pcre


@pytest.mark.parametrize(
    ("chain", "prefix_text", "literal"),
    [
        ([leaf("about/")], "/about/", "/about/"),
        ([stem("a/"), stem("b"), "^c/$"], "/a/bc/", "/a/bc/"),
        ([r"^a\.b\Z"], "/a.b", "/a.b"),
        ([leaf("lots/<int:pk>/")], "/lots/", None),
        (["^foo"], "/foo", None),
        (["foo$"], "/foo", "/foo"),
        (["foo"], "/", None),
        (["^(?:abc|abd)/$"], "/ab", None),
        (["^(?:abc){2}"], "/abc", None),
        (["^ab?"], "/a", None),
        (["(?i)^abc$"], "/", None),
        (["(?i)^12/a$"], "/", None),
        (["^a(?=b)b$"], "/a", None),
        ([prefix("^a/$"), leaf("")], "/a/", None),
        ([prefix(r"^a\Z"), leaf("b")], "/ab", None),
        ([prefix("a?^b"), leaf("c")], "/", None),
    ],
)
def test_the_prefix_and_the_literal_are_never_more_than_true(
    chain: list, prefix_text: str, literal: str | None
) -> None:
    """A prefix is what every path begins with, a literal the one path there is."""
    match = match_of(*chain)

    assert (match.prefix, match.literal) == (prefix_text, literal)


def test_what_cannot_be_translated_is_cut_off() -> None:
    """The rest of the chain is dropped, and everything below the prefix matches."""
    match = match_of(stem("a/<int:n>/"), prefix("x?^b"), leaf("c/"))

    assert match == PathMatch(
        pcre="^/(?>a/[0-9]{1,4300}/)",
        prefix="/a/",
        why_inexact="an anchor or a word boundary behind something optional",
    )


def test_a_pattern_too_long_for_nginx_is_left_to_its_prefix() -> None:
    """NGINX reads at most 4096 bytes, with backslashes doubled."""
    match = match_of(leaf("é/" + "." * 3000))

    assert match.why_inexact == "a pattern too long for NGINX"
    assert match.prefix == "/é/" + "." * 351
    assert len(match.pcre) < 800


def test_a_pattern_in_several_languages_matches_each() -> None:
    """Without a language in the path any of the texts may be meant."""
    match = match_of(leaf(translated(en="house/", de="haus/")))

    assert match.pcre == r"^(?:/house/\z|/haus/\z)"
    assert (match.prefix, match.literal) == ("/h", None)
    assert match.why_inexact == "it is translated, and the path doesn't say the language"


def test_a_language_prefix_goes_with_its_own_translation() -> None:
    """Languages with the same text share an alternative, and the path is exact."""
    match = match_of(LocalePrefixPattern(), leaf(translated(en="house/", de="haus/")))

    assert match.pcre == r"^(?:/(?:en/|pt-br/)house/\z|/de/haus/\z)"
    assert (match.prefix, match.why_inexact) == ("/", "")


def test_a_subclass_that_matches_as_django_does_is_exact() -> None:
    """Only a match() of its own makes a pattern class unknown."""

    class Named(RegexPattern): ...

    class Loose(RegexPattern):
        def match(self, path):
            return super().match(path.strip())

    class Odd(LocalePrefixPattern):
        language_prefix = "xx/"

    assert match_of(Named("^a$", is_endpoint=True)).why_inexact == ""
    assert match_of(Loose("^a$", is_endpoint=True)).why_inexact == (
        "a pattern class of its own, "
        "test_a_subclass_that_matches_as_django_does_is_exact.<locals>.Loose"
    )
    assert match_of(Odd(), leaf("a")).why_inexact.endswith(".Odd")
