"""How many WebSockets and event streams an ASGI process takes: by its descriptors and memory."""

from collections.abc import Iterator

from django_tandem.model import ConnectionLimits, Host
from django_tandem.settings import AsgiSettings

# For the project's own files, its database, its channel layer and its logs.
OTHER_FILES = 256
# What one takes at most in its process: a consumer, the buffers of the server up to 64 kB, and the
# compressor of a WebSocket. docs/decisions/026 has what was measured.
CONNECTION_KB = 128
# Also on a machine that is too small for them.
LEAST = 16
# What supervisord gives each program where the hard limit allows it.
OPEN_FILES = 4096


def connection_limits(settings: AsgiSettings, host: Host, workers: int) -> ConnectionLimits:
    """Return the bounds of each of ``workers`` processes."""
    auto = auto_connections(host, workers)
    return ConnectionLimits(
        websockets=settings.max_websockets or auto,
        streams=settings.max_streams or auto,
        ages=settings.max_age_s,
    )


def auto_connections(host: Host, workers: int) -> int:
    """
    Return how many connections of each kind a process takes.

    Those of both kinds have a descriptor each, and those of one kind fill a quarter of the memory.
    """
    by_files = (host.open_files - OTHER_FILES) // 2
    by_memory = host.memory_mb * 1024 // 4 // workers // CONNECTION_KB
    return max(LEAST, min(by_files, by_memory))


def needed_files(limits: ConnectionLimits) -> int:
    """Return how many files a process may have open at its bounds."""
    return (limits.websockets or 0) + (limits.streams or 0) + OTHER_FILES


def bound_notes(
    settings: AsgiSettings, limits: ConnectionLimits | None, host: Host
) -> Iterator[str]:
    """Yield a note on bounds of the settings that a process has too few descriptors for."""
    given = {"MAX_WEBSOCKETS": settings.max_websockets, "MAX_STREAMS": settings.max_streams}
    values = {name: value for name, value in given.items() if value}
    if limits and values and (needed := needed_files(limits)) > host.open_files:
        shown = " and ".join(
            f'TANDEM["ASGI"]["{name}"] = {value}' for name, value in values.items()
        )
        yield (
            f"With {shown} an ASGI process may need {needed} open files, and {host.open_files} are "
            "allowed here: connections fail before the bounds are reached. Lower the bounds, or "
            "raise the limit: `ulimit -n`, or LimitNOFILE= of a systemd unit."
        )


def open_files(limits: ConnectionLimits | None, host: Host) -> int:
    """Return how many files each program may open: as many as it needs, up to the hard limit."""
    needed = needed_files(limits) if limits else 0
    return min(host.open_files, max(OPEN_FILES, needed))
