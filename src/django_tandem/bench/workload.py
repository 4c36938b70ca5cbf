"""The load that is put on each topology."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSockets:
    """
    WebSockets that are open during a workload: ``count`` of them at ``path``.

    ``measure`` names how each measures its latency, every ``every_s`` seconds. "ping" is answered
    by the server's event loop, so that it works with every consumer.
    """

    path: str
    count: int = 50
    every_s: float = 0.5
    measure: str = "ping"


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """
    ``connections`` that each send the next request for ``path`` as soon as they have a response.

    Without a ``path`` there are only the WebSockets. ``headers`` are sent with each request and
    with each handshake.
    """

    name: str
    path: str | None
    connections: int = 16
    method: str = "GET"
    body: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    sockets: WebSockets | None = None

    def without_websockets(self) -> "Workload | None":
        """Return the HTTP part of it; None when there is none."""
        if self.sockets is None:
            return self
        return replace(self, sockets=None) if self.path else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One run of the driver: ``seconds`` that count, after ``warm_s`` that do not."""

    url: str
    workload: Workload
    seconds: float
    warm_s: float = 0
