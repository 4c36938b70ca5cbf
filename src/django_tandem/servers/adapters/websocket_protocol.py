"""Uvicorn's WebSocket protocol without what an open connection needs no more."""

from typing import Any

from uvicorn.protocols.websockets import auto

from django_tandem import fingerprints

_NAME = "WebSocketsSansIOProtocol"
SOURCES = (f"uvicorn.protocols.websockets.websockets_sansio_impl.{_NAME}.handle_connect",)


def protocol_for(option: Any) -> Any:
    """Return the value of Uvicorn's option ``ws``: ours instead of the one that it chooses."""
    chosen: Any = auto.AutoWebSocketsProtocol
    if option != "auto" or getattr(chosen, "__name__", "") != _NAME:
        return option
    is_known = fingerprints.are_known(SOURCES, otherwise="Each WebSocket takes 4 kB more.")
    return without_handshake(chosen) if is_known else option


def without_handshake(protocol: Any) -> Any:
    """Return the protocol class that forgets the headers of each handshake."""

    class LeanWebSocketProtocol(protocol):  # type: ignore[misc]
        """Forgets the headers of the handshake, once they are in the scope: 4 kB a connection."""

        def handle_connect(self, event: Any) -> None:
            """Begin the ASGI application."""
            super().handle_connect(event)
            # Uvicorn and websockets both keep the request for as long as the connection lasts.
            event.headers.clear()

    return LeanWebSocketProtocol
