"""How many workers, queued requests and connections the servers of a host have."""

import math
from collections.abc import Iterator
from dataclasses import replace

from django_tandem.errors import SettingError
from django_tandem.model import (
    EVERY_ROLE,
    ConnectionLimits,
    Host,
    Project,
    Protocol,
    Recycle,
    Roles,
    Stack,
)
from django_tandem.model.roles import listed_roles
from django_tandem.servers import Launch, Server, shared_master
from django_tandem.settings import AsgiSettings, Settings, WsgiSettings

# The private memory of a Django worker in MB, once the project is loaded: bench-memory measures
# 40 to 100. Half of the machine's memory stays free for other programs.
WORKER_MB = 100

# ASGI's event loops get the CPU first: docs/decisions/016-nice.md.
AUTO_NICE = 10

# A browser requests the parts of a page at once, and one worker must not reject them.
BURST = 64
LONGEST_QUEUE = 1024
# Most views are faster, but workers are slower while a reload imports the project again.
VIEWS_PER_S = 4

# The server waits longer than the edge: the client has its 504 before the worker is killed.
SERVER_MARGIN_S = 2


# What a worker of NGINX may open where the machine allows it: 12288 connections.
OPEN_FILES = 16_384

RECYCLE = 'TANDEM["RECYCLE"]'


def auto_wsgi(host: Host) -> int:
    """Return Gunicorn's rule of thumb, ``2 * CPUs + 1``, limited by the memory."""
    return max(1, min(2 * math.ceil(host.cpus) + 1, host.memory_mb // 2 // WORKER_MB))


def auto_asgi(host: Host) -> int:
    """Return one process per CPU, limited by the memory."""
    return max(1, min(math.ceil(host.cpus), host.memory_mb // 4 // WORKER_MB))


def worker_count(
    server: Server, settings: WsgiSettings | AsgiSettings, host: Host, project: Project
) -> int:
    """Return the number of workers; raises SettingError for one that the server can't start."""
    has_one_process = server.one_process and server.stack is Stack.ASGI
    if settings.workers is None:
        if server.stack is Stack.WSGI:
            return auto_wsgi(host)
        needs_one = project.needs_one_asgi_process or _has_local_layer(project)
        return 1 if has_one_process or needs_one else auto_asgi(host)
    if has_one_process and settings.workers > 1:
        raise SettingError(
            f'TANDEM["ASGI"]["WORKERS"] is {settings.workers}, and {server.name} runs one process.',
            hint='Set it to "auto" or 1, or choose another server.',
        )
    return settings.workers


def _has_local_layer(project: Project) -> bool:
    # The sockets of a second process would miss the messages sent in the first.
    has_websocket = any(route.protocol is Protocol.WEBSOCKET for route in project.routes)
    return has_websocket and project.has_local_layer


def niceness(settings: WsgiSettings) -> int:
    """Return the niceness of the WSGI workers."""
    return AUTO_NICE if settings.nice is None else settings.nice


def nice(niceness: int) -> tuple[str, ...]:
    """Return the beginning of a command line that lowers the priority of its processes."""
    return ("nice", "-n", str(niceness)) if niceness else ()


def with_limits(launch: Launch, settings: WsgiSettings, server: Server) -> Launch:
    """
    Return ``launch`` with the length of the queue and the number of requests a worker serves.

    Raises SettingError for a limit that the server does not support.
    """
    queue = _queue(settings, server, launch.workers)
    return replace(launch, queue=queue, max_requests=_max_requests(settings, server))


def _queue(settings: WsgiSettings, server: Server, workers: int) -> int:
    if settings.queue is None:
        in_time = workers * settings.timeout_s * VIEWS_PER_S
        return max(server.least_queue, min(max(BURST, in_time), LONGEST_QUEUE))
    if settings.queue < server.least_queue:
        raise SettingError(
            f'TANDEM["WSGI"]["QUEUE"] is {settings.queue}, and the shortest queue of {server.name} '
            f"is {server.least_queue}.",
            hint=f'Set it to "auto", or to {server.least_queue} or more, or choose another server.',
        )
    return settings.queue


def _max_requests(settings: WsgiSettings, server: Server) -> int:
    if settings.max_requests and not server.recycles:
        raise SettingError(
            f'TANDEM["WSGI"]["MAX_REQUESTS"] is {settings.max_requests}, and {server.name} can\'t '
            "replace its workers.",
            hint="Set it to 0, or choose gunicorn or uwsgi.",
        )
    return settings.max_requests


def is_shared(settings: Settings, *, has_both: bool, roles: Roles = EVERY_ROLE) -> bool:
    """
    Return whether the servers of a host with ``roles`` share a master.

    Raises SettingError for a RECYCLE that nothing could carry out.
    """
    found = recycle(settings)
    reason, hint = _why_not(settings, has_both=has_both, roles=roles)
    if reason and found != Recycle():
        raise SettingError(f"{RECYCLE} is for the shared master, and {reason}.", hint=hint)
    return not reason


def recycle(settings: Settings) -> Recycle:
    """Return the bounds of a worker; raises SettingError where two options set the same one."""
    given, max_requests = settings.recycle, settings.wsgi.max_requests
    if given.requests and max_requests:
        raise SettingError(
            f'{RECYCLE}["REQUESTS"] is {given.requests}, and TANDEM["WSGI"]["MAX_REQUESTS"] is '
            f"{max_requests}.",
            hint="Remove one: REQUESTS is for the workers of both stacks.",
        )
    return Recycle(memory_bytes=given.memory or 0, age_s=given.age or 0, requests=given.requests)


def _why_not(settings: Settings, *, has_both: bool, roles: Roles) -> tuple[str, str]:
    """Return why there is no shared master, and how to have one; both empty when there is."""
    wsgi, asgi = settings.wsgi.server, settings.asgi.server
    if not settings.shared_master:
        return 'TANDEM["SHARED_MASTER"] is False', "Remove one of them."
    if not has_both and roles != EVERY_ROLE:
        return (
            f'the roles are "{listed_roles(roles)}", with a single stack',
            "Remove it, or run that stack as the only role of a host, or both stacks on this one.",
        )
    if not has_both:
        return (
            "WSGI alone is served here",
            'Remove it, or set TANDEM["ASGI"]["ALWAYS"] to True.',
        )
    if wsgi not in shared_master.WSGI_SERVERS or asgi not in shared_master.ASGI_SERVERS:
        return (
            f'TANDEM["WSGI"]["SERVER"] is {wsgi}, TANDEM["ASGI"]["SERVER"] is {asgi}',
            "Remove it, or choose gunicorn and uvicorn.",
        )
    if not shared_master.can_share(wsgi, asgi):
        return (
            "django-tandem does not know the code of the installed versions of its servers",
            "Remove it, or install versions that django-tandem is tested with.",
        )
    return "", ""


# For the project's own files, its database, its channel layer and its logs.
OTHER_FILES = 256
# What one takes at most in its process: a consumer, the buffers of the server up to 64 kB, and the
# compressor of a WebSocket. docs/decisions/026 has what was measured.
CONNECTION_KB = 128
# Also on a machine that is too small for them.
LEAST_CONNECTIONS = 16
# What supervisord gives each program where the hard limit allows it.
SUPERVISED_OPEN_FILES = 4096


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
    return max(LEAST_CONNECTIONS, min(by_files, by_memory))


def needed_files(limits: ConnectionLimits) -> int:
    """Return how many files a process may have open at its bounds."""
    return (limits.websockets or 0) + (limits.streams or 0) + OTHER_FILES


def open_files_notes(
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
    return min(host.open_files, max(SUPERVISED_OPEN_FILES, needed))
