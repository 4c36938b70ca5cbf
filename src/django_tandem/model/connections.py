"""The bounds of the long connections of an ASGI process: WebSockets and event streams."""

from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionAges:
    """The seconds after which a WebSocket or an event stream is ended; None for no bound."""

    websockets_s: int | None = None
    streams_s: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLimits:
    """How many WebSockets and event streams one process takes, and how long; None is no bound."""

    websockets: int | None = None
    streams: int | None = None
    ages: ConnectionAges = ConnectionAges()

    def as_text(self) -> str:
        """Return the bounds as one line, for the environment of a process."""
        numbers = {
            "websockets": self.websockets,
            "streams": self.streams,
            "websockets_s": self.ages.websockets_s,
            "streams_s": self.ages.streams_s,
        }
        return urlencode({name: number for name, number in numbers.items() if number is not None})


def read_limits(text: str) -> ConnectionLimits:
    """Read what ``ConnectionLimits.as_text()`` has written; an empty text has no bounds."""
    given = {name: int(number) for name, number in parse_qsl(text)}
    return ConnectionLimits(
        websockets=given.get("websockets"),
        streams=given.get("streams"),
        ages=ConnectionAges(
            websockets_s=given.get("websockets_s"), streams_s=given.get("streams_s")
        ),
    )
