"""Python's regular expressions as PCRE; test_oracle.py compares what they match."""

import pytest

from django_tandem.project.regex.fragment import UntranslatableError
from django_tandem.project.regex.translate import parse, translate


def pcre_of(regex: str, *, is_skipped: bool = False) -> str:
    return translate(parse(regex, is_full=False), is_skipped=is_skipped).text


@pytest.mark.parametrize(
    ("regex", "text"),
    [
        (r"a.b\.c", r"a[^\n]b\.c"),
        (r"/my-page/ x", "/my-page/ x"),
        (r"\$\{x\}#;'\"", "\\$\\{x\\}#;'\""),
        (r"\n\x7f\u00a0", r"\x{a}\x{7f}\x{a0}"),
        ("é日🎉", "é日🎉"),
        (r"(?P<uri>a)(b)(?:c)", "abc"),
        (r"(?P<args>a|bc)+", "(?:a|bc)+"),
        (r"\w\d", r"[\p{L}\p{N}_]\p{Nd}"),
        (r"[^\w/-]", r"[^\p{L}\p{N}_/\-]"),
        (r"(?a:\w)", "[0-9A-Z_a-z]"),
        (r"(?i)ab1", "[aA][bB]1"),
        (r"(?i)k", "[kK\N{KELVIN SIGN}]"),
        (r"(?s).", r"\p{Any}"),
        (r"a$", r"a(?=\n?\z)"),
        (r"(?m)a$", r"a(?=\n|\z)"),
        (r"a{3}b{2,}c{,4}d{1}e{0}", "a{3}b{2,}c{0,4}d"),
        (r"a*?b+?c??d*+", "a*?b+?c??d*+"),
        (r"(?:ab)*(?>c|d)", "(?:ab)*(?>[cd])"),
        (r"(?>ab|a)", "(?>a(?:b|))"),
        (r"x(?=a)(?!b)c(?<=c)(?<!d)", "x(?=a)(?!b)c(?<=c)(?<!d)"),
        (r"(a)(b)(c)\3\1", r"(a)b(c)\g{-1}\g{-2}"),
        (r"(?P<x>a)(?P=x)", r"(a)\g{-1}"),
        (r"(a)?(?(1)b|c)", "(a)?(?(-1)b|c)"),
    ],
)
def test_a_construct_is_translated(regex: str, text: str) -> None:
    """Each construct of Python's has its own text, and names no variable."""
    assert pcre_of(regex) == text


@pytest.mark.parametrize(
    ("regex", "at_the_start", "further_on"),
    [
        ("^a", "a", "(?!)"),
        (r"\Aa", "a", "(?!)"),
        ("^a|b", "(?:a|b)", "b"),
        ("(?m)^a", "a", r"(?<=\n)a"),
        (r"(?a)\ba", "(?=[0-9A-Z_a-z])a", None),
        ("(?<!x)a", "a", "(?<!x)a"),
        ("(?<=x)a", "(?!)", "(?<=x)a"),
        ("(?=^)a", "(?=)a", "(?!)"),
        ("(?!^)a", "(?!)a", "a"),
    ],
)
def test_what_looks_back_depends_on_the_place(
    regex: str, at_the_start: str, further_on: str | None
) -> None:
    """A pattern begins where the one before it ended, which only PCRE would look behind."""
    assert pcre_of(regex) == at_the_start
    assert further_on is None or pcre_of(regex, is_skipped=True) == further_on


@pytest.mark.parametrize(
    ("regex", "construct"),
    [
        ("a?^b", "an anchor or a word boundary behind something optional"),
        (r"a?\bb", "an anchor or a word boundary behind something optional"),
        ("a*(?<=ab)c", "a look-behind that may reach before its pattern's start"),
        (r"(?:(a)|b)*\1", "a back-reference to a repeated group"),
        (r"(?i)(a)\1", "a back-reference that ignores case"),
        (r"(a)b(?<=\1)", "a back-reference in a look-behind"),
        ("a{65536}", "a repeat of more than 65535"),
        ("(?:[a-z]x){60000}", "a repeat that compiles to too much"),
        ("\ud800", "a lone surrogate"),
        ("(", "an invalid regular expression"),
        ("(?:" * 20000, "an invalid regular expression"),
    ],
)
def test_what_pcre_cannot_match_is_named(regex: str, construct: str) -> None:
    """The error names the construct for a person who reads a table."""
    with pytest.raises(UntranslatableError) as raised:
        pcre_of(regex)

    assert str(raised.value) == construct


def test_the_last_anchor_is_taken_off() -> None:
    """\\Z at the end, or $ where all must match, is a fact of the tree."""
    assert parse(r"a\Z", is_full=False).is_anchored
    assert not parse(r"a$", is_full=False).is_anchored
    assert pcre_of(r"a\Z") == "a"
    assert translate(parse(r"^a$", is_full=True)).text == "a"
