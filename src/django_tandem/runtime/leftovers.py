"""What a stop leaves behind in a run directory."""

import os
from fnmatch import fnmatch
from pathlib import Path

from django_tandem.atomic_files import remove_abandoned
from django_tandem.inprocess import prometheus_files, slot_file
from django_tandem.model import REQUESTS_FILE
from django_tandem.model.shifts import SHIFTED_FILE
from django_tandem.model.state import STOPPING_FILE
from django_tandem.runtime.state import HEALTH_SOCKET, METRICS_SOCKET, READY_FILE

# Everything that a stop leaves behind, and no file of the user's.
LEFTOVERS = (
    *("wsgi.sock", "wsgi-*.sock", "asgi.sock", "asgi-*.sock", "valkey.sock", HEALTH_SOCKET),
    *(METRICS_SOCKET, REQUESTS_FILE, SHIFTED_FILE),
    *("supervisor.sock", "supervisor.sock.*", "supervisord.pid", "nginx.pid", "handovers.*"),
    *(READY_FILE, STOPPING_FILE, "drain-[0-9]*", "*.next", "nginx.conf.previous"),
    *("wsgi-*.failed", "asgi-*.failed", "master-*.failed", "restarts-[0-9]*", "heartbeat-[0-9]*"),
)


def remove_leftovers(run_dir: Path) -> None:
    """Remove the sockets, links, pid files, counts and slots that a stop leaves behind."""
    # Not Path.glob(), which skips a link whose target does not exist.
    for name in os.listdir(run_dir):  # noqa: PTH208
        if any(fnmatch(name, pattern) for pattern in LEFTOVERS):
            (run_dir / name).unlink(missing_ok=True)
    remove_abandoned(run_dir)
    prometheus_files.remove_all(run_dir)
    slot_file.remove_all(run_dir)
