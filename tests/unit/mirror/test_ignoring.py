"""`--ignore` names a header, a JSON path or a regex."""

import re

import pytest

from django_tandem.mirror import Ignored, parse_ignored


def test_each_form_is_recognized() -> None:
    """By how it begins."""
    assert parse_ignored(["X-Served-By", "$.lots[*].age", "$[0].at", r"/took \d+ ms/"]) == Ignored(
        headers=frozenset({"x-served-by"}),
        json_paths=(("lots", "*", "age"), ("0", "at")),
        regexes=(re.compile(r"took \d+ ms"),),
    )


def test_a_json_path_matches_a_value_and_all_below_it() -> None:
    """A star is any key or index, and a number is one index."""
    ignored = parse_ignored(["$.lots[*].age", "$.sellers[0]"])

    assert ignored.has_path(("lots", 7, "age"))
    assert ignored.has_path(("lots", 7, "age", "seconds"))
    assert ignored.has_path(("sellers", 0))
    assert not ignored.has_path(("lots", 7))
    assert not ignored.has_path(("lots", 7, "price"))
    assert not ignored.has_path(("sellers", 1))


@pytest.mark.parametrize("text", ["", "$", "$lots", "$.lots[x]", "$..a", "two words", "/", "//"])
def test_any_other_text_is_refused(text) -> None:
    """The message has it as it was written."""
    with pytest.raises(ValueError, match="Expected") as caught:
        parse_ignored([text])

    assert str(caught.value) == (
        'Expected a header, a JSON path such as "$.lots[*].age" or a regex between slashes, '
        f'got "{text}".'
    )


def test_a_regex_that_does_not_compile_is_refused() -> None:
    """With the reason."""
    with pytest.raises(ValueError, match=r"^\"/\(/\" is not a regular expression: ") as caught:
        parse_ignored(["/(/"])

    assert str(caught.value).endswith(".")
