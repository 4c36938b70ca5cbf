"""One of Django's URL patterns as PCRE, and whether its path converters may refuse a match."""

import dis
import enum
import functools
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import FunctionType
from typing import Any

from django.urls.converters import IntConverter, StringConverter, UUIDConverter
from django.urls.resolvers import RegexPattern, RoutePattern

from django_tandem.project.inheritance import inherits
from django_tandem.project.regex.fragment import PcreFragment, UntranslatableError, alternation
from django_tandem.project.regex.translate import ANY, ParseTree, parse, translate

# Each of its parts matches digits only, so int() accepts all of it.
_DIGITS = re.compile(r"(?:-\??)?(?:(?:\[(?:\d-\d|\d)+\]|\\d|\d)(?:[+*?]|\{\d+(?:,\d*)?\})?)+")
# Methods of str that return for every text, and arguments that are constants.
_SAFE_METHODS = frozenset(
    {
        *("capitalize", "casefold", "lower", "lstrip", "partition", "removeprefix"),
        *("removesuffix", "replace", "rpartition", "rstrip", "strip", "swapcase", "title", "upper"),
    }
)
# The operations of a function that only calls such methods, in Python 3.11 to 3.14.
_SAFE_OPERATIONS = frozenset(
    {
        *("CACHE", "CALL", "LOAD_ATTR", "LOAD_CONST", "LOAD_FAST", "LOAD_FAST_BORROW"),
        *("LOAD_GLOBAL", "LOAD_METHOD", "NOP", "PRECALL", "PUSH_NULL", "RESUME"),
        *("RETURN_CONST", "RETURN_VALUE"),
    }
)


class _Mode(enum.Enum):
    """How Django applies a regular expression to what is left of the path."""

    PREFIX = "it searches, and passes the rest to the patterns below"
    LEAF = "it searches, and ignores the rest"
    WHOLE = "all that is left must match"


@dataclass(frozen=True, slots=True, kw_only=True)
class PatternPcre:
    """
    One pattern as PCRE that starts where the one before ended.

    What it matches begins with ``literal_prefix``; ``is_literal`` when it matches that alone.
    ``is_anchored`` when nothing may follow; ``why_inexact`` is the reason why it
    matches more than Django.
    """

    text: str
    literal_prefix: str = ""
    is_literal: bool = False
    is_anchored: bool = False
    why_inexact: str = ""


def pcre_of(pattern: Any, text: str) -> PatternPcre:
    """
    Return ``pattern``, whose route or regex is ``text`` in one of the languages, as PCRE.

    Raises UntranslatableError for what PCRE can't match in the same way.
    """
    if _matches_as(pattern, RoutePattern):
        is_endpoint = pattern._is_endpoint
        is_plain = isinstance(pattern._route, str)
        read: Any = pattern if is_plain else RoutePattern(text, is_endpoint=is_endpoint)
        regex = bound_integers(read._regex, pattern.converters)
        pcre = _pcre_of_regex(regex, _Mode.LEAF if is_endpoint else _Mode.PREFIX)
        why = refusal(pattern.converters)
        return replace(pcre, why_inexact=why) if why else pcre
    if _matches_as(pattern, RegexPattern):
        return _pcre_of_regex(text, _mode(text) if pattern._is_endpoint else _Mode.PREFIX)
    raise UntranslatableError(f"a custom pattern class, {type(pattern).__qualname__}")


def _matches_as(pattern: Any, cls: Any) -> bool:
    # A subclass is as good as Django's own as long as it matches in the same way.
    return all(inherits(type(pattern), cls, name) for name in ("match", "regex"))


def _mode(regex: str) -> _Mode:
    # Django tests the text, so an escaped \$ counts as well.
    return _Mode.WHOLE if regex.endswith("$") else _Mode.LEAF


@functools.lru_cache(maxsize=8192)
def _pcre_of_regex(regex: str, mode: _Mode) -> PatternPcre:
    tree = parse(regex, is_full=mode is _Mode.WHOLE)
    fragment = translate(tree) if mode is _Mode.WHOLE else _search(tree)
    text = fragment.text + (r"\z" if tree.is_anchored else "")
    if mode is _Mode.PREFIX and not fragment.is_literal:
        # Django never tries another way for a prefix to match.
        text = f"(?>{text})"
    return PatternPcre(
        text=text,
        literal_prefix=fragment.literal_prefix,
        is_literal=fragment.is_literal,
        is_anchored=tree.is_anchored,
    )


def _search(tree: ParseTree) -> PcreFragment:
    here = translate(tree)
    if here.is_literal and not (here.literal_prefix or tree.is_anchored):
        return here
    later = translate(tree, is_skipped=True)
    if not later.never_matches and here.text == later.text:
        return PcreFragment(text=rf"{ANY}*?{later.text}", opened=later.opened)
    skipped = PcreFragment(
        text=rf"{ANY}+?{later.text}", opened=later.opened, never_matches=later.never_matches
    )
    return alternation([each for each in (here, skipped) if not each.never_matches])


def refusal(converters: Mapping[str, Any]) -> str:
    """Return which of ``converters`` may refuse a value of its regex; "" when none does."""
    for converter in converters.values():
        if not _accepts_all(converter):
            return f"the converter {type(converter).__qualname__} may refuse a value"
    return ""


def _accepts_all(converter: Any) -> bool:
    cls = type(converter)
    if inherits(cls, StringConverter, "to_python"):
        return True
    if inherits(cls, UUIDConverter, "to_python"):
        return bool(converter.regex == UUIDConverter.regex)
    if inherits(cls, IntConverter, "to_python"):
        return _is_number(converter.regex)
    convert = getattr(cls, "to_python", None)
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
        if inherits(type(converter), IntConverter, "to_python"):
            group = re.escape(f"(?P<{name}>[0-9]+)")
            regex = re.sub(rf"{group}(?=[^0-9(])", f"(?P<{name}>[0-9]{{1,{most}}})", regex)
    return regex
