"""The types of a WSGI application."""

from collections.abc import Callable, Iterable
from typing import Any

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Body = Iterable[bytes]
Application = Callable[[Environ, StartResponse], Body]
