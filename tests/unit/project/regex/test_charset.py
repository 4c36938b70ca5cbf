"""Sets of characters, held against Python's own over all of Unicode by a real NGINX, and back."""

import re
import sys
import unicodedata
from collections.abc import Iterator
from contextlib import closing
from types import SimpleNamespace

import pytest
from project.regex.edge import Edge, programs

from django_tandem.project.regex.charset import python_regex
from django_tandem.project.regex.translate import parse, translate

# The wheel's PCRE knows the Unicode of 2014, and each Python its own: what all know is compared.
OLD = unicodedata.ucd_3_2_0
REGEXES = {
    "word": r"\w",
    "not_word": r"\W",
    "digit": r"\d",
    "not_digit": r"\D",
    "space": r"\s",
    "not_space": r"\S",
    "negated": r"[^\W\d_]",
    "ascii_word": r"(?a:\w)",
    "ascii_not_word": r"(?a:\W)",
    "ascii_not_space": r"(?a:\S)",
    "ascii_not_digit": r"(?a:\D)",
    "ignoring_case": r"(?i)[a-z\u0100-\u0250]",
    "not_ignoring_case": r"(?i)[^a-z\u0370-\u03ff]",
    "ascii_ignoring_case": r"(?ai)[k-s]",
}
# A path of more characters than this would be too long a request line.
CHUNK = 600


def characters() -> Iterator[str]:
    for char in map(chr, range(1, 0x20000)):
        category = unicodedata.category(char)
        if category not in {"Cn", "Cs"} and OLD.category(char) == category and char not in "./":
            yield char


def chunks(found: list[str]) -> Iterator[str]:
    for start in range(0, len(found), CHUNK):
        yield "".join(found[start : start + CHUNK])


@pytest.fixture(scope="module", params=programs(), ids=lambda program: program.name)
def edge(request: pytest.FixtureRequest) -> Iterator[Edge]:
    """An NGINX with two tables a regex: of only its characters, and of none of them."""
    tables = []
    for name, regex in REGEXES.items():
        pcre = translate(parse(regex, is_full=True)).text
        tables.append(SimpleNamespace(name=name, lines=[(rf"^/(?:{pcre})+\z", "all")]))
        tables.append(
            SimpleNamespace(name=f"no_{name}", lines=[(rf"^/(?:(?!{pcre})\p{{Any}})+\z", "all")])
        )
    with closing(Edge(request.param.path, tables)) as edge:
        yield edge


@pytest.mark.parametrize("name", REGEXES)
def test_a_set_holds_the_characters_that_pythons_holds(name: str, edge: Edge) -> None:
    """Every character that Python's set holds is in ours, and no other one is."""
    inside, outside = [], []
    matches = re.compile(REGEXES[name]).fullmatch
    for char in characters():
        (inside if matches(char) else outside).append(char)

    assert {edge.ask(name, f"/{chunk}") for chunk in chunks(inside)} == {"all"}
    assert {edge.ask(f"no_{name}", f"/{chunk}") for chunk in chunks(outside)} == {"all"}
    assert sys.maxunicode == 0x10FFFF


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        (r"^lots/(?P<slug>[\w-]+)/$", "lots/é-7/", "lots/a b/"),
        (r"^lots/\W\d/\Z", "lots/-7/", "lots/a7/"),
        (r"^a\s\S.\D$", "a bcd", "abbcd"),
        (r"(?i)^straße/$", "STRAßE/", "strase/"),
    ],
)
def test_the_regex_of_python_matches_what_the_pattern_matches(pattern, matching, other) -> None:
    """Which was Python's before it was translated to PCRE."""
    regex = python_regex(translate(parse(pattern, is_full=False)).text)

    assert regex is not None
    assert [bool(re.match(regex, path)) for path in (matching, other)] == [True, False]


def test_what_python_lacks_is_none() -> None:
    """Such as a property of Unicode."""
    assert python_regex(r"^/\p{Greek}\z") is None
