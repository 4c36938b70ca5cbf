"""Messages that the consumers of one process may share, and the frame of a broadcast."""

from collections.abc import Mapping
from typing import Any

Message = dict[str, Any]

BROADCAST = "tandem.broadcast"
_SCALARS = (str, bytes, int, float, type(None))


class Frame:
    """
    One message of ``broadcast()``, decoded once per process; nobody changes it.

    ``message`` is the message of the channel layer, ``event`` the ASGI event that sends it.
    """

    __slots__ = ("event", "message")

    def __init__(self, message: Mapping[str, Any]) -> None:
        self.message = message
        kind = "text" if message.get("text") is not None else "bytes"
        self.event = {"type": "websocket.send", kind: message.get(kind)}


def is_flat(message: Mapping[str, Any]) -> bool:
    """Return whether a shallow copy of the message shares nothing that a consumer can change."""
    return all(isinstance(value, _SCALARS) for value in message.values())
