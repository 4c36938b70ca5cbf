"""The greenlets that a server may run its requests in, many on one thread."""

import sys
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


def suspended_frame(greenlet: Any) -> FrameType | None:
    """Return the innermost frame of a suspended greenlet; None for anything else."""
    frame: FrameType | None = getattr(greenlet, "gr_frame", None)
    return frame
