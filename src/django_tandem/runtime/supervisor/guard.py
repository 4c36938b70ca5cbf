"""What supervisord calls of ours: whatever fails there must not end supervisord."""

import traceback
from collections.abc import Callable
from typing import Any

from supervisor import events


def subscribe(event: type, act: Callable[[Any], None]) -> None:
    """Have ``act`` called for each such event; what it raises is told, and goes no further."""

    def guarded(found: Any) -> None:
        try:
            act(found)
        except Exception:  # noqa: BLE001 - a full disk, say, is no reason to stop serving
            traceback.print_exc()

    events.subscribe(event, guarded)
