"""What the WebSockets and event streams of this process do: by route, by code and by outcome."""

from collections import Counter

from django_tandem.channels import mailbox

# How an event stream ended: its view returned or failed, its client disconnected, the drain or its
# age ended it, or it got 503.
FINISHED, FAILED, LEFT, DRAINED, REFUSED = "finished", "failed", "left", "drained", "refused"
# The codes of a close that names none, and of a WebSocket that ended without a close.
NORMAL, NO_STATUS, NO_CODE = 1000, 1005, 1006
# Those of RFC 6455 and its registry. A client may close with any of 2,000 others, of which the
# first ones are counted by code.
REGISTERED_CODES = range(1000, 1016)
MOST_OTHER_CODES = 16
OTHER_CODES = "other"
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
        """Stop counting it; a second call has no effect."""
        if self._open is not None:
            self._open[self._route] -= 1
            self._open = None


class ConnectionCounts:
    """The counts of one process, all of them on its event loop."""

    def __init__(self) -> None:
        self.websockets: Counter[str] = Counter()
        self.streams: Counter[str] = Counter()
        self.received = self.sent = 0
        self.closes: Counter[str] = Counter()
        self.stream_ends: Counter[str] = Counter()

    def count_close(self, code: int) -> None:
        """Count the close of a WebSocket."""
        name = str(code)
        is_known = code in REGISTERED_CODES or name in self.closes
        others = len(self.closes) - sum(str(each) in self.closes for each in REGISTERED_CODES)
        self.closes[name if is_known or others < MOST_OTHER_CODES else OTHER_CODES] += 1

    def details(self) -> dict[str, object]:
        """Return the fields of a worker's slot; routes without a connection are left out."""
        return {
            "websockets": dict(+self.websockets),
            "streams": dict(+self.streams),
            "messages": {"received": self.received, "sent": self.sent},
            "mailboxes": mailbox.COUNTS.details(),
            "closes": dict(self.closes),
            "stream_ends": dict(self.stream_ends),
        }
