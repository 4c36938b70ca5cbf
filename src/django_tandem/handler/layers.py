"""One middleware of Django's own as a link of the chain, if it is exactly as Django made it."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from types import FunctionType
from typing import Any

from django_tandem.handler.original import is_written_in
from django_tandem.handler.table import DECLARATIONS, Declaration, MayBlock

Hook = Callable[..., Any]

HOOKS = (
    "__call__",
    "__acall__",
    "process_request",
    "aprocess_request",
    "process_view",
    "process_response",
    "process_exception",
    "process_template_response",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """The hooks of one middleware, and when they may block."""

    request: Hook | None
    request_may_block: MayBlock | None
    request_awaited: Hook | None
    response: Hook | None
    response_may_block: MayBlock | None


class ViewHook:
    """A process_view of Django's own."""

    __slots__ = ("hook", "may_block")

    def __init__(self, hook: Hook, may_block: MayBlock | None) -> None:
        self.hook = hook
        self.may_block = may_block

    def blocks(self, request: Any, view: Any) -> bool:
        """Return whether this call may block."""
        return self.may_block is not None and self.may_block(request, view)


def declaration_of(cls: Any) -> Declaration | None:
    """Return what is declared for exactly this class; None for one that was tampered with."""
    if not isinstance(cls, type):
        return None
    declared = DECLARATIONS.get(f"{cls.__module__}.{cls.__qualname__}")
    return declared if declared and all(map(_is_djangos, cls.__mro__[:-1])) else None


def read_layer(middleware: Any) -> Layer | None:
    """Return the middleware as a layer; None for one that is to be treated as Django does."""
    declared = declaration_of(type(middleware))
    if declared is None or any(name in vars(middleware) for name in HOOKS):
        return None
    if declared.stock_if is not None and declared.stock_if(middleware):
        return None
    awaited = middleware.aprocess_request if declared.is_awaited else None
    return Layer(
        request=None if awaited else getattr(middleware, "process_request", None),
        request_may_block=declared.request,
        request_awaited=awaited,
        response=getattr(middleware, "process_response", None),
        response_may_block=declared.response,
    )


def _is_djangos(cls: type) -> bool:
    # Who instruments a class replaces its functions, and expects them where Django calls them.
    module = sys.modules.get(cls.__module__)
    if module is None or vars(module).get(cls.__name__) is not cls:
        return False
    functions = [given for given in vars(cls).values() if isinstance(given, FunctionType)]
    hooks = [vars(cls)[name] for name in HOOKS if name in vars(cls)]
    return all(is_written_in(function, module.__file__) for function in [*functions, *hooks])
