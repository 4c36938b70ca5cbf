"""The greenlets that a server may run its requests in, many on one thread."""

import sys
from importlib import import_module
from types import FrameType
from typing import Any


def current() -> Any:
    """Return the greenlet that runs, as of gevent or eventlet; None where a thread runs itself."""
    # Its import is the server's: most processes have none.
    module: Any = sys.modules.get("greenlet")
    if module is None:
        return None
    greenlet = module.getcurrent()
    # The one without a parent is the thread itself.
    return greenlet if greenlet.parent is not None else None


def thread() -> int:
    """Return the identifier of the thread that runs, not of its greenlet."""
    return int(unpatched("_thread", "get_ident")())


def unpatched(module: str, name: str) -> Any:
    """Return a function of the standard library as it was before gevent replaced it."""
    # eventlet's are left as they are: its locks, such as those of logging, belong to one thread.
    gevent: Any = sys.modules.get("gevent.monkey")
    if gevent is not None:
        return gevent.get_original(module, name)
    return getattr(import_module(module), name)


def is_running(greenlet: Any) -> bool:
    """Return whether a greenlet runs on its thread at this moment."""
    has_begun = bool(greenlet) and hasattr(greenlet, "gr_frame")
    return has_begun and greenlet.gr_frame is None


def suspended_frame(greenlet: Any) -> FrameType | None:
    """Return the innermost frame of a suspended greenlet; None for anything else."""
    frame: FrameType | None = getattr(greenlet, "gr_frame", None)
    return frame
