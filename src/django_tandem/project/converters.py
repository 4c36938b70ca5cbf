"""What path converters do beyond their regular expression."""

import re
import sys
from collections.abc import Mapping
from typing import Any

from django.urls.converters import IntConverter, StringConverter, UUIDConverter

# Each of its parts is made of digits, which is all that int() takes for granted.
_DIGITS = re.compile(r"(?:-\??)?(?:(?:\[(?:\d-\d|\d)+\]|\\d|\d)(?:[+*?]|\{\d+(?:,\d*)?\})?)+")


def refusal(converters: Mapping[str, Any]) -> str:
    """Return in words which of ``converters`` may refuse a text that its regex matches, or ""."""
    for converter in converters.values():
        if not _takes_all(converter):
            return f"the converter {type(converter).__qualname__} may refuse a value"
    return ""


def _takes_all(converter: Any) -> bool:
    convert = getattr(type(converter), "to_python", None)
    if convert is StringConverter.to_python:
        return True
    if convert is UUIDConverter.to_python:
        return bool(converter.regex == UUIDConverter.regex)
    return convert is IntConverter.to_python and _is_number(converter.regex)


def _is_number(regex: str) -> bool:
    return bool(_DIGITS.fullmatch(regex)) and not re.fullmatch(regex, "")


def bound_integers(regex: str, converters: Mapping[str, Any]) -> str:
    """
    Return a route's ``regex`` with no more digits in an ``<int:…>`` than int() takes.

    Only where no digit may follow: there, too long a number and too long a match are the same.
    """
    most = sys.get_int_max_str_digits()
    for name, converter in converters.items() if most else ():
        if type(converter).to_python is IntConverter.to_python:
            group = re.escape(f"(?P<{name}>[0-9]+)")
            regex = re.sub(rf"{group}(?=[^0-9(])", f"(?P<{name}>[0-9]{{1,{most}}})", regex)
    return regex
