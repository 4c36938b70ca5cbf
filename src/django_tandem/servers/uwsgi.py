"""uWSGI: forked workers that share one loaded project, in C, spoken to over HTTP."""

from pathlib import PurePath

from django_tandem.model import Stack
from django_tandem.servers.server import Launch, Server


def argv(launch: Launch) -> tuple[str, ...]:
    """Return the command line of the program beside python: uWSGI is no Python module."""
    return (
        str(PurePath(launch.python).with_name("uwsgi")),
        f"--py-programname={launch.python}",
        f"--http-socket={launch.socket}",
        "--chmod-socket=660",
        f"--module={launch.application}",
        "--need-app",
        "--master",
        "--single-interpreter",
        f"--processes={launch.workers}",
        f"--harakiri={launch.timeout_s}",
        f"--worker-reload-mercy={launch.grace_s}",
        # Without this SIGTERM restarts it, and with this alone it cuts the requests in flight.
        "--die-on-term",
        "--hook-master-start=unix_signal:15 gracefully_kill_them_all",
        "--vacuum",
        "--buffer-size=65535",
        "--max-vars=1000",
        "--disable-logging",
        *launch.args,
    )


UWSGI = Server(name="uwsgi", stack=Stack.WSGI, distribution="uwsgi", extra="uwsgi", argv=argv)
