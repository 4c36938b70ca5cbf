"""URLconfs and paths, drawn at random from what the two engines are likely to differ in."""

import re
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from oracle.generated import Spec

# Among them an Arabic digit, and the long s that (?i) takes for any other.
CHARACTERS = st.sampled_from([*"ab/1-A_éÉ\n.S", "ab", "a/", "\u0663", "\u017f"])
LITERALS = st.sampled_from([*"ab/1-A_éS", "ab", "a/", r"\."])
CLASSES = st.sampled_from(
    [".", r"\w", r"\d", r"\W", r"\s", r"\D", "[ab]", "[^a]", "[^/]+", r"[\w-]", r"[^\W\d]", "[A-z]"]
)
ANCHORS = st.sampled_from(["^", "$", r"\Z", r"\A", r"\b", r"\B"])
BEHIND = st.sampled_from(["(?<=a)", "(?<!a)", "(?<=ab)", "(?<!/)", "(?<=^a)", "(?<!^)", "(?<=a|b)"])
OPENED = st.sampled_from(["(", "(?:", "(?=", "(?!", "(?>", "(?i:", "(?s:", "(?m:", "(?a:", "(?-i:"])
GREEDY = ["*", "+", "?", "{2}", "{0}", "{1,2}", "{1,}", "{0,2}"]
REPEATS = st.sampled_from([*[""] * 4, *GREEDY, "*?", "+?", "??", "*+", "?+"])
STARTS = st.sampled_from(["", "^", "^", "^", "(?i)", "(?s)^", "(?m)"])
ENDS = st.sampled_from(["", "$", "$", "/$", r"\Z"])
CONVERTERS = ["<int:{}>", "<slug:{}>", "<str:{}>", "<path:{}>"]
PARTS = st.sampled_from(["a", "/", "b/", "-", "é/", *CONVERTERS])


@st.composite
def regexes(draw: Callable[..., Any]) -> str:
    """Draw a regular expression that Python takes."""
    groups = [0]
    body = _alternatives(draw, groups, depth=2)
    return draw(STARTS) + body + draw(ENDS)


def _alternatives(draw: Callable[..., Any], groups: list[int], depth: int) -> str:
    several = draw(st.sampled_from([1, 1, 1, 2]))
    return "|".join(_sequence(draw, groups, depth) for _ in range(several))


def _sequence(draw: Callable[..., Any], groups: list[int], depth: int) -> str:
    return "".join(_repeated(draw, groups, depth) for _ in range(draw(st.integers(0, 3))))


def _repeated(draw: Callable[..., Any], groups: list[int], depth: int) -> str:
    atom = _atom(draw, groups, depth)
    repeat = draw(REPEATS)
    return f"(?:{atom}){repeat}" if repeat else atom


def _atom(draw: Callable[..., Any], groups: list[int], depth: int) -> str:
    kind = draw(st.sampled_from(["literal"] * 5 + ["class"] * 2 + ["group"] * 3 + ["other"]))
    if kind == "group" and depth:
        opened = draw(OPENED)
        inner = _alternatives(draw, groups, depth - 1)
        groups[0] += opened == "("
        return f"{opened}{inner})"
    if kind == "other":
        back = st.integers(1, groups[0]).map(lambda n: rf"\{n}") if groups[0] else ANCHORS
        return draw(st.one_of(ANCHORS, BEHIND, back))
    return draw(CLASSES if kind == "class" else LITERALS)


def _compiles(regex: str) -> bool:
    # A back reference may have been drawn to a group that is still open.
    try:
        re.compile(regex)
    except re.error:
        return False
    return True


@st.composite
def routes(draw: Callable[..., Any]) -> str:
    """Draw the text of a path()."""
    parts = draw(st.lists(PARTS, max_size=4))
    return "".join(part.format(f"p{at}") for at, part in enumerate(parts))


def _specs(leads_to: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Spec]]:
    one = st.one_of(
        st.tuples(st.just("path"), routes(), leads_to),
        st.tuples(st.just("re_path"), regexes().filter(_compiles), leads_to),
    )
    return st.lists(one.map(list), min_size=1, max_size=4)


URLCONFS = _specs(
    st.one_of(st.booleans(), st.booleans(), _specs(st.one_of(st.booleans(), _specs(st.booleans()))))
)
PATHS = st.lists(
    st.lists(CHARACTERS, max_size=6).map(lambda found: "/" + "".join(found)),
    min_size=10,
    max_size=12,
    unique=True,
)
