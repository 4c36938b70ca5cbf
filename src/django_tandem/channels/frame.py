"""A broadcast message that one process shares among all the sockets that get it."""

from collections.abc import Mapping
from typing import Any

BROADCAST = "tandem.broadcast"


class Frame:
    """
    One message of ``broadcast()``, decoded once a process; nobody changes it.

    ``message`` is the message of the channel layer, ``event`` the ASGI event that sends it.
    """

    __slots__ = ("event", "message")

    def __init__(self, message: Mapping[str, Any]) -> None:
        self.message = message
        kind = "text" if message.get("text") is not None else "bytes"
        self.event = {"type": "websocket.send", kind: message.get(kind)}
