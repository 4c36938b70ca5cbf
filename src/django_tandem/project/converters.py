"""Path converters: whether to_python() may refuse what the regular expression matches."""

import re
import sys
from collections.abc import Mapping
from typing import Any

from django.urls.converters import IntConverter, StringConverter, UUIDConverter

# Each of its parts matches digits only, so int() accepts all of it.
_DIGITS = re.compile(r"(?:-\??)?(?:(?:\[(?:\d-\d|\d)+\]|\\d|\d)(?:[+*?]|\{\d+(?:,\d*)?\})?)+")


def refusal(converters: Mapping[str, Any]) -> str:
    """Say which of ``converters`` may refuse a value that its regex matches; "" when none does."""
    for converter in converters.values():
        if not _accepts_all(converter):
            return f"the converter {type(converter).__qualname__} may refuse a value"
    return ""


def _accepts_all(converter: Any) -> bool:
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

    Only where no digit may follow; elsewhere a bound would split a long number.
    """
    most = sys.get_int_max_str_digits()
    for name, converter in converters.items() if most else ():
        if type(converter).to_python is IntConverter.to_python:
            group = re.escape(f"(?P<{name}>[0-9]+)")
            regex = re.sub(rf"{group}(?=[^0-9(])", f"(?P<{name}>[0-9]{{1,{most}}})", regex)
    return regex
