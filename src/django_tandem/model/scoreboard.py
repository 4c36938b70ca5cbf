"""
The slot of a worker: what one process of a stack writes about itself and the monitor reads.

Each process maps a small file of SCOREBOARD in the run directory, named by its pid. It has a
header of fixed size, a table of the requests in progress, and a JSON object of what changes less
often. There is one writer, which takes no lock: each part has a sequence number that is odd while
it is written.
"""

from dataclasses import dataclass, field

# Whose ASGI handler serves, as `tandem status` prints it.
OURS, DJANGOS = "django-tandem", "django"

# The directory of the slots in the run directory.
SCOREBOARD = "scoreboard"


@dataclass(frozen=True, slots=True, kw_only=True)
class InFlight:
    """A request in progress; ``since`` is in seconds since the epoch. The path has no query."""

    method: str
    path: str
    route: str
    since: float
    request_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Threads:
    """The threads of an ASGI process for sync code, as `tandem status` counts them."""

    size: int = 0
    idle: int = 0
    queued: int = 0
    overflow: int = 0
    rejected: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Messages:
    """The WebSocket messages of a process since its start, by direction."""

    received: int = 0
    sent: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailboxes:
    """
    The mailboxes of a process's consumers.

    ``longest`` is the largest number of messages that have waited in one within ten seconds.
    ``dropped`` messages and ``closed`` WebSockets are counted since its start.
    """

    longest: int = 0
    dropped: int = 0
    closed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSlot:
    """
    One worker at one moment.

    ``stack`` is that of its requests, or "channels". ``requests`` have ended since ``started_at``,
    and ``busy_s`` is the time in which at least one was in progress. ``in_flight`` are the
    oldest of the ``in_flight_count`` requests. ``lag_s`` is the last delay of a timer of the event
    loop, ``lag_max_s`` the longest of the last ten seconds; both are None without a loop.
    ``handler`` is the ASGI handler. The mappings are by database alias, by route, by close code,
    and by outcome: "finished", "failed", "left", "drained", "refused". ``body_cpu_us`` and
    ``body_delay_us`` are the microseconds that bodies, after their headers, were on the CPU, and
    could compute and had no CPU. Times are in seconds since the
    epoch.
    """

    pid: int
    stack: str
    generation: int
    started_at: float
    requests: int = 0
    busy_s: float = 0.0
    in_flight_count: int = 0
    in_flight: tuple[InFlight, ...] = ()
    lag_s: float | None = None
    lag_max_s: float | None = None
    handler: str = ""
    threads: Threads | None = None
    database_connections: dict[str, int] = field(default_factory=dict)
    websockets: dict[str, int] = field(default_factory=dict)
    streams: dict[str, int] = field(default_factory=dict)
    body_cpu_us: dict[str, int] = field(default_factory=dict)
    body_delay_us: dict[str, int] = field(default_factory=dict)
    messages: Messages = Messages()
    mailboxes: Mailboxes = Mailboxes()
    closes: dict[str, int] = field(default_factory=dict)
    stream_ends: dict[str, int] = field(default_factory=dict)
    refused: int = 0
