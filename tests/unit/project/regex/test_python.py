"""The PCRE of a path is one of Python too."""

import re

import pytest

from django_tandem.project.regex.python import python_regex
from django_tandem.project.regex.translate import parse, translate


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        (r"^lots/(?P<slug>[\w-]+)/$", "lots/é-7/", "lots/a b/"),
        (r"^lots/\W\d/\Z", "lots/-7/", "lots/a7/"),
        (r"^a\s\S.\D$", "a bcd", "abbcd"),
        (r"(?i)^straße/$", "STRAßE/", "strase/"),
    ],
)
def test_it_matches_what_the_pattern_matches(pattern, matching, other) -> None:
    """Which was Python's before it was translated to PCRE."""
    regex = python_regex(translate(parse(pattern, is_full=False)).text)

    assert regex is not None
    assert [bool(re.match(regex, path)) for path in (matching, other)] == [True, False]


def test_what_python_lacks_is_none() -> None:
    """Such as a property of Unicode."""
    assert python_regex(r"^/\p{Greek}\z") is None
