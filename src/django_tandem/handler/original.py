"""Whether a function of Django's is as Django wrote it: who instruments Django replaces some."""

import sys
from types import FunctionType
from typing import Any


def is_original(cls: type, name: str) -> bool:
    """Return whether the class has the function ``name`` from its own file, and unwrapped."""
    module = sys.modules.get(cls.__module__)
    return is_written_in(vars(cls).get(name), getattr(module, "__file__", None))


def is_written_in(function: Any, file: str | None) -> bool:
    """Return whether it is a plain function, from that file."""
    return (
        isinstance(function, FunctionType)
        and not hasattr(function, "__wrapped__")
        and function.__code__.co_filename == file
    )
