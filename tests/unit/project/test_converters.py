"""What is known of path converters."""

import sys

import pytest
from django.urls.converters import IntConverter, StringConverter, UUIDConverter

from django_tandem.project.converters import bound_integers, refusal


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


def test_a_conversion_of_its_own_may_refuse() -> None:
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
