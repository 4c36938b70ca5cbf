"""Every path that a pattern matches begins with one of its literal prefixes."""

import pytest

from django_tandem.model import PathMatch
from django_tandem.project.regex.prefixes import MOST_PREFIXES, literal_prefixes


def _prefixes(pcre: str, prefix: str = "/") -> list[str]:
    """Return the prefixes, a whole path with a full stop behind it."""
    found = literal_prefixes(PathMatch(pcre=pcre, prefix=prefix))
    return [each.text + ("." if each.is_whole else "") for each in found]


@pytest.mark.parametrize(
    ("pcre", "prefixes"),
    [
        (r"^/feed/\z", ["/feed/."]),
        (r"^/feed/[\-a-zA-Z0-9_]+/\z", ["/feed/"]),
        (r"^/feed/", ["/feed/"]),
        (r"^/(?:feed|news)/\z", ["/feed/.", "/news/."]),
        (r"^/(?:en/|de/)feed/", ["/en/feed/", "/de/feed/"]),
        (r"^/(?:en/a\z|de/b)", ["/en/a.", "/de/b"]),
        (r"^/feeds?/\z", ["/feed/.", "/feeds/."]),
        (r"^/v[12]/\z", ["/v1/.", "/v2/."]),
        (r"^/v[1-3]/x\z", ["/v1/x.", "/v2/x.", "/v3/x."]),
        (r"^/v[0-9]/x\z", ["/v"]),
        (r"^/(?>a/)(?:b|)c\z", ["/a/bc.", "/a/c."]),
        (r"^/a{2}b\z", ["/a"]),
        (r"^/(?:ab)+c\z", ["/ab"]),
        (r"^/a*b\z", ["/b.", "/a"]),
        (r"^/(?!en/)feed/\z", ["/feed/."]),
        (r"^/feed(?=\n?\z)", ["/feed"]),
        (r"^/\p{Any}*?x\z", ["/x.", "/"]),
        (r"^/\x{e9}/\z", ["/é/."]),
        (r"^/a\.b\z", ["/a.b."]),
    ],
)
def test_a_pattern_has_the_prefixes_of_all_its_alternatives(pcre, prefixes) -> None:
    """Up to the first part that is not spelled out."""
    assert _prefixes(pcre) == prefixes


@pytest.mark.parametrize("pcre", [r"^/(a)\g{-1}\z", r"^/\p{Greek}x\z"])
def test_what_is_no_regular_expression_of_python_has_the_known_prefix(pcre) -> None:
    """Nothing else is known of it."""
    assert _prefixes(pcre, "/greek/") == ["/greek/"]


def test_the_known_prefix_lengthens_the_ones_of_the_pattern() -> None:
    """A look-ahead may be the reason why a path begins with it."""
    assert _prefixes(r"^(?=/mcp/)/\p{Any}+/x\z", "/mcp/") == ["/mcp/"]


def test_an_alternative_without_the_known_prefix_is_dropped() -> None:
    """No path can begin with both."""
    assert _prefixes(r"^(?=/en/)/(?:en|de)/x\z", "/en/") == ["/en/x."]


def test_more_alternatives_than_can_be_listed_end_the_prefix() -> None:
    """A product of two alternations would have no bound."""
    many = "|".join(f"p{number}" for number in range(MOST_PREFIXES))

    assert len(_prefixes(rf"^/(?:{many})/\z")) == MOST_PREFIXES
    assert _prefixes(rf"^/a/(?:{many}|q)/\z") == ["/a/"]
    assert _prefixes(rf"^/(?:{many})/(?:a|b)/\z")[0] == "/p0/"


def test_a_path_that_stands_alone_is_its_own_prefix() -> None:
    """The regular expression is not read."""
    match = PathMatch(pcre="^ignored", prefix="/feed/", literal="/feed/")

    (found,) = literal_prefixes(match)
    assert (found.text, found.is_whole) == ("/feed/", True)
