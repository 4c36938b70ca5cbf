"""What is asked of each topology, alike."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Sockets:
    """
    WebSockets that are open meanwhile: ``count`` of them at ``path``.

    ``measure`` names how each finds out its latency, every ``every_s`` seconds: by "ping", which
    the server answers from its event loop, whatever the consumer understands.
    """

    path: str
    count: int = 50
    every_s: float = 0.5
    measure: str = "ping"


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """
    One load: ``connections`` that each ask for ``path`` again as soon as they are answered.

    Without a ``path`` there are only the WebSockets. ``headers`` go with each request, and with
    each handshake.
    """

    name: str
    path: str | None
    connections: int = 16
    method: str = "GET"
    body: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    sockets: Sockets | None = None
