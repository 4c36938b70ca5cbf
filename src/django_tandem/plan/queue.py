"""What requests for the WSGI stack are promised: how many may wait for a worker, and how long."""

from dataclasses import replace

from django_tandem.errors import SettingError
from django_tandem.servers import Launch, Server
from django_tandem.settings import WsgiSettings

# What a page with many parts asks for at once must not be refused by a single worker.
BURST = 64
MOST = 1024
# What a worker is taken to answer: most projects' views are quicker, and while a reload loads
# the project anew the workers are slower for a second or two.
VIEWS_PER_S = 4

# How much longer than the edge the server waits for a worker: by then the client has its 504,
# and the worker that is ended has nobody to answer.
SERVER_MARGIN_S = 2


def bounded(launch: Launch, settings: WsgiSettings, server: Server) -> Launch:
    """
    Return the launch with the bounds that ``settings`` put on the queue and on each worker.

    Raises SettingError for what the server can't do.
    """
    queue = _queue(settings, server, launch.workers)
    return replace(launch, queue=queue, max_requests=_max_requests(settings, server))


def _queue(settings: WsgiSettings, server: Server, workers: int) -> int:
    if settings.queue is None:
        in_time = workers * settings.timeout_s * VIEWS_PER_S
        return max(server.least_queue, min(max(BURST, in_time), MOST))
    if settings.queue < server.least_queue:
        raise SettingError(
            f'TANDEM["WSGI"]["QUEUE"] is {settings.queue}, and {server.name} has no queue '
            f"shorter than {server.least_queue}.",
            hint=f'Take "auto" or {server.least_queue} or more, or another server.',
        )
    return settings.queue


def _max_requests(settings: WsgiSettings, server: Server) -> int:
    if settings.max_requests and not server.recycles:
        raise SettingError(
            f'TANDEM["WSGI"]["MAX_REQUESTS"] is {settings.max_requests}, and {server.name} '
            "replaces no worker for what it has served.",
            hint="Take 0, or gunicorn or uwsgi for the server.",
        )
    return settings.max_requests
