"""How many processes a server gets when nobody said."""

import math

from django_tandem.model import Host
from django_tandem.settings import WsgiSettings

# A Django worker's own memory, in MB, once the project is loaded: evidence and our
# bench-memory both have 40 to 100. Half of the machine is left to everything else.
WORKER_MB = 100

# Event loops go first: docs/decisions/016-nice.md has what it brings and what it costs.
AUTO_NICE = 10


def auto_wsgi(host: Host) -> int:
    """Return Gunicorn's own rule of thumb, ``2 * CPUs + 1``, as far as the memory goes."""
    return max(1, min(2 * math.ceil(host.cpus) + 1, host.memory_mb // 2 // WORKER_MB))


def auto_asgi(host: Host) -> int:
    """Return one process a CPU, as far as the memory goes: an event loop never waits."""
    return max(1, min(math.ceil(host.cpus), host.memory_mb // 4 // WORKER_MB))


def nice(settings: WsgiSettings) -> tuple[str, ...]:
    """Return what a command line begins with so that its processes give way to others."""
    niceness = AUTO_NICE if settings.nice is None else settings.nice
    return ("nice", "-n", str(niceness)) if niceness else ()
