"""Django's patterns as PCRE, and converters that may refuse a match."""

import sys

import pytest
from django.urls.converters import IntConverter, StringConverter, UUIDConverter
from django.urls.resolvers import LocalePrefixPattern, RegexPattern
from project.builders import leaf, match_of, prefix, stem
from urlconfs import translated

from django_tandem.model import PathMatch
from django_tandem.project.patterns import bound_integers, refusal


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
    assert match.why_inexact == "it is translated, and the path does not name the language"


def test_a_language_prefix_goes_with_its_own_translation() -> None:
    """Languages with the same text share an alternative, and the path is exact."""
    match = match_of(LocalePrefixPattern(), leaf(translated(en="house/", de="haus/")))

    assert match.pcre == r"^(?:/(?:en/|pt-br/)house/\z|/de/haus/\z)"
    assert (match.prefix, match.why_inexact) == ("/", "")


def test_a_subclass_that_matches_as_django_does_is_exact() -> None:
    """Only its own match() makes a pattern class unknown."""

    class Named(RegexPattern): ...

    class Loose(RegexPattern):
        def match(self, path):
            return super().match(path.strip())

    class Odd(LocalePrefixPattern):
        language_prefix = "xx/"

    assert match_of(Named("^a$", is_endpoint=True)).why_inexact == ""
    assert match_of(Loose("^a$", is_endpoint=True)).why_inexact == (
        "a custom pattern class, "
        "test_a_subclass_that_matches_as_django_does_is_exact.<locals>.Loose"
    )
    assert match_of(Odd(), leaf("a")).why_inexact.endswith(".Odd")


def inheriting(cls: type, regex: str) -> object:
    return type("Inheriting", (cls,), {"regex": regex})()


@pytest.mark.parametrize(
    "converter",
    [
        IntConverter(),
        UUIDConverter(),
        inheriting(StringConverter, ".*"),
        inheriting(IntConverter, "[0-9]{4}"),
        inheriting(IntConverter, r"-?[12]\d{3}"),
    ],
)
def test_a_conversion_that_takes_all_its_regex_matches_refuses_nothing(converter: object) -> None:
    """The built-in converters are exact, and so are those that inherit their conversion."""
    assert refusal({"x": converter}) == ""


@pytest.mark.parametrize(
    "converter",
    [
        inheriting(IntConverter, "[0-9a-f]+"),
        inheriting(IntConverter, "[0-9]*"),
        inheriting(IntConverter, "[0-9-]+"),
        inheriting(UUIDConverter, "[^/]+"),
    ],
)
def test_a_conversion_that_its_regex_does_not_vouch_for_may_refuse(converter: object) -> None:
    """A number's conversion with another regex is trusted only when that matches numbers."""
    assert refusal({"x": converter}) == "the converter Inheriting may refuse a value"


class UUIDStr(UUIDConverter):  # django-ninja's
    def to_python(self, value):
        return value


class FormatSuffix:  # Django REST framework's
    regex = r"\.[a-z0-9]+/?"

    def to_python(self, value):
        return value.strip("./")


class Year:  # Django's documentation's
    regex = "[0-9]{4}"

    def to_python(self, value):
        return int(value)


class Hexadecimal(Year):
    regex = "[0-9a-f]+"


class Checked(FormatSuffix):
    def to_python(self, value):
        if value == ".exe":
            raise ValueError
        return value


class Table(FormatSuffix):
    def to_python(self, value):
        return {".json": "json"}[value]


@pytest.mark.parametrize("converter", [UUIDStr(), FormatSuffix(), Year()])
def test_a_conversion_that_only_trims_refuses_nothing(converter: object) -> None:
    """As libraries write theirs; a number may also be made of digits."""
    assert refusal({"x": converter}) == ""


@pytest.mark.parametrize("converter", [Hexadecimal(), Checked(), Table()])
def test_a_conversion_that_can_raise_may_refuse(converter: object) -> None:
    """A branch, a look-up, or int() of what is no number."""
    assert refusal({"x": converter}) != ""


def test_a_conversion_of_the_project_may_refuse() -> None:
    """Nobody but its author knows what to_python() raises."""

    class Even(StringConverter):
        def to_python(self, value):
            return int(value)

    assert refusal({"a": IntConverter(), "b": Even()}).startswith("the converter test_a_conv")


def test_numbers_are_bounded_where_no_digit_may_follow() -> None:
    """int() refuses longer ones; elsewhere a bound would only split a long number."""
    most = sys.get_int_max_str_digits()
    converters = {"a": IntConverter(), "b": IntConverter(), "c": StringConverter()}

    assert bound_integers(r"^(?P<a>[0-9]+)/\Z", converters) == rf"^(?P<a>[0-9]{{1,{most}}})/\Z"
    assert bound_integers(r"^(?P<a>[0-9]+)\Z", converters) == rf"^(?P<a>[0-9]{{1,{most}}})\Z"
    for regex in (r"^(?P<a>[0-9]+)(?P<b>[0-9]+)", r"^(?P<a>[0-9]+)0", r"^(?P<c>[0-9]+)/"):
        assert bound_integers(regex, converters) == regex
