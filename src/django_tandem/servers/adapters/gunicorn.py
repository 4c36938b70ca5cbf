"""The configuration that Gunicorn reads: what holds for every project, whatever the launch."""

import os
import shlex
from typing import Any

from gunicorn.config import Config

from django_tandem.inprocess import streaming
from django_tandem.inprocess.prefork import prepare_for_fork

SHARED_MEMORY = "/dev/shm"  # noqa: S108 - a directory that Gunicorn makes its own file in

preload_app = True
control_socket_disable = True
# No line for each worker that starts or ends.
loglevel = "warning"
# On a Unix socket Gunicorn trusts these whoever sends them, and refuses a request in which
# two of them disagree. The entry point reads what the edge says instead.
secure_scheme_headers: dict[str, str] = {}
forwarder_headers = ""
# The edge bounds the request line and the headers: to more than Gunicorn does on its own.
limit_request_line = 0
limit_request_fields = 1000
limit_request_field_size = 32768
if os.access(SHARED_MEMORY, os.W_OK):
    # The heartbeat of each worker is a file's timestamp: on a disk it can stall.
    worker_tmp_dir = SHARED_MEMORY


def when_ready(_arbiter: object) -> None:
    """Settle the master once it has loaded the project and before it forks."""
    prepare_for_fork()


def post_worker_init(worker: Any) -> None:
    """Let a stream that makes progress renew the worker's timeout, which is then for one part."""
    streaming.set_renewal(worker.notify)


def read_arguments(text: str) -> dict[str, Any]:
    """Return the settings that ``text`` gives as Gunicorn's own arguments."""
    parsed = vars(Config().parser().parse_args(shlex.split(text)))
    return {
        name: value
        for name, value in parsed.items()
        if value is not None and name not in {"args", "config"}
    }


# As in the reference set-up: `--statsd-host=127.0.0.1:8125 --statsd-prefix=shop`.
globals().update(read_arguments(os.environ.get("STATSD_ARGS", "")))
