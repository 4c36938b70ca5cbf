"""Path converters: whether to_python() may refuse what the regular expression matches."""

import dis
import re
import sys
from collections.abc import Mapping
from types import FunctionType
from typing import Any

from django.urls.converters import IntConverter, StringConverter, UUIDConverter

# Each of its parts matches digits only, so int() accepts all of it.
_DIGITS = re.compile(r"(?:-\??)?(?:(?:\[(?:\d-\d|\d)+\]|\\d|\d)(?:[+*?]|\{\d+(?:,\d*)?\})?)+")
# Methods of str that return for every text, and arguments that are constants.
_SAFE_METHODS = frozenset(
    {
        *("capitalize", "casefold", "lower", "lstrip", "partition", "removeprefix"),
        *("removesuffix", "replace", "rpartition", "rstrip", "strip", "swapcase", "title", "upper"),
    }
)
# What a function does that only calls such methods, in the bytecode of Python 3.11 to 3.14.
_SAFE_OPERATIONS = frozenset(
    {
        *("CACHE", "CALL", "LOAD_ATTR", "LOAD_CONST", "LOAD_FAST", "LOAD_FAST_BORROW"),
        *("LOAD_GLOBAL", "LOAD_METHOD", "NOP", "PRECALL", "PUSH_NULL", "RESUME"),
        *("RETURN_CONST", "RETURN_VALUE"),
    }
)


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
    if convert is IntConverter.to_python:
        return _is_number(converter.regex)
    return isinstance(convert, FunctionType) and _only_trims(convert, converter.regex)


def _only_trims(convert: FunctionType, regex: str) -> bool:
    # As libraries write theirs: `return value`, or `return value.strip("./")`.
    if convert.__code__.co_argcount != 2:
        return False
    value = convert.__code__.co_varnames[1]
    safe = {
        "LOAD_FAST": {value},
        "LOAD_FAST_BORROW": {value},
        "LOAD_ATTR": _SAFE_METHODS,
        "LOAD_METHOD": _SAFE_METHODS,
        "LOAD_GLOBAL": {"str", "int"} if _is_number(regex) else {"str"},
    }
    return all(
        each.opname in _SAFE_OPERATIONS and each.argval in safe.get(each.opname, {each.argval})
        for each in dis.get_instructions(convert)
    )


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
