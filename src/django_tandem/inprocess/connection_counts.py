"""What the WebSockets and event streams of this process do: by route, by code and by outcome."""

from collections import Counter

# How an event stream ended: its view returned or failed, its client disconnected, the drain or its
# age ended it, or it got 503.
FINISHED, FAILED, LEFT, DRAINED, REFUSED = "finished", "failed", "left", "drained", "refused"
# The codes of a close that names none, and of a WebSocket that ended without a close.
NORMAL, NO_STATUS, NO_CODE = 1000, 1005, 1006
# The key of a WebSocket's route in its scope, as the edge names it.
ROUTE = "tandem.route"


class CountedRoute:
    """One connection among those that are open on its route, until it is released."""

    __slots__ = ("_open", "_route")

    def __init__(self, open_by_route: Counter[str], route: str) -> None:
        self._open: Counter[str] | None = open_by_route
        self._route = route
        open_by_route[route] += 1

    def release(self) -> None:
        """Count it no more; once it is released, nothing happens."""
        if self._open is not None:
            self._open[self._route] -= 1
            self._open = None


class ConnectionCounts:
    """The counts of one process, all of them on its event loop."""

    def __init__(self) -> None:
        self.websockets: Counter[str] = Counter()
        self.streams: Counter[str] = Counter()
        self.received = self.sent = 0
        self.closes: Counter[int] = Counter()
        self.stream_ends: Counter[str] = Counter()

    def details(self) -> dict[str, object]:
        """Return the fields of a worker's slot; routes without a connection are left out."""
        return {
            "websockets": dict(+self.websockets),
            "streams": dict(+self.streams),
            "messages": {"received": self.received, "sent": self.sent},
            "closes": {str(code): count for code, count in self.closes.items()},
            "stream_ends": dict(self.stream_ends),
        }
