"""
The settings and hooks of Gunicorn: those of every launch, and those of the project's own file.

Gunicorn reads one file, which is ours. It adopts the settings of the project's gunicorn.conf.py,
or of the file that the arguments name, unless they contradict the plan.
"""

import argparse
import functools
import importlib
import logging
import os
import runpy
import shlex
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from gunicorn import glogging
from gunicorn.config import Config

from django_tandem import environment
from django_tandem.inprocess import (
    channel_layers,
    json_logging,
    prometheus_files,
    scoreboard,
    streaming,
    telemetry,
)
from django_tandem.inprocess.prefork import (
    is_forkable,
    prepare_for_fork,
    should_preload,
    start_without_preloading,
)
from django_tandem.servers.adapters import addresses, master_log

SHARED_MEMORY = "/dev/shm"  # noqa: S108 - a directory that Gunicorn makes its own file in
TIME_FORMAT = "%Y-%m-%dT%H:%M:%S%z"
OWN_MODULE = "python:django_tandem.servers.adapters.gunicorn"
DEFAULT_FILE = "gunicorn.conf.py"
LOG_COUNTS = "django_tandem.servers.adapters.statsd_logger.LogCounts"

logger = logging.getLogger("django_tandem")

# What the stack relies on, so that a project's file can't change it.
OWN_SETTINGS: dict[str, Any] = {
    # 0 when the project can't be forked once it is loaded.
    "preload_app": should_preload(),
    "daemon": False,
    "reload": False,
    "proxy_protocol": False,
    # No Unix socket can have it.
    "reuse_port": False,
    "certfile": None,
    "keyfile": None,
    "control_socket_disable": True,
    # On a Unix socket Gunicorn trusts these from any client, and rejects a request in which two
    # of them disagree. The entry point reads the edge's headers instead.
    "secure_scheme_headers": {},
    "forwarder_headers": "",
    # The edge limits the request line and the headers, to more than Gunicorn's defaults.
    "limit_request_line": 0,
    "limit_request_fields": 1000,
    "limit_request_field_size": 32768,
}
# The options of TANDEM that set what the plan passes on the command line.
OPTIONS = {
    "bind": 'TANDEM["BIND"]',
    "workers": 'TANDEM["{stack}"]["WORKERS"]',
    "timeout": 'TANDEM["WSGI"]["TIMEOUT_S"]',
    "graceful_timeout": "the time that a stop may take",
    "backlog": 'TANDEM["WSGI"]["QUEUE"]',
    "max_requests": 'TANDEM["WSGI"]["MAX_REQUESTS"]',
    "max_requests_jitter": 'TANDEM["WSGI"]["MAX_REQUESTS"]',
}
# Workers that call a WSGI application.
WSGI_WORKERS = ("sync", "gthread", "gevent", "eventlet", "tornado")


def on_starting(arbiter: Any) -> None:
    """Start again without preloading if the loaded project can't be forked, else begin the log."""
    if arbiter.cfg.preload_app and not is_forkable(getattr(arbiter.app, "obstacle", "")):
        # No socket is bound yet.
        start_without_preloading(sys.executable, [sys.executable, *sys.orig_argv[1:]])
    master_log.keep_apart(arbiter)


def when_ready(arbiter: Any) -> None:
    """Prepare the loaded project for the fork of the workers, and its addresses for their edge."""
    prepare_for_fork()
    # Those of Uvicorn's workers have TLS in the worker.
    addresses.encrypt(getattr(arbiter, "wsgi_listeners", arbiter.LISTENERS))


def post_fork(_arbiter: object, _worker: object) -> None:
    """Give what the import has made an identity of the forked process, and start its SDK."""
    channel_layers.renew_identities()
    telemetry.start_forked()


def post_worker_init(worker: Any) -> None:
    """Open its slot, let a stream renew the timeout, and keep the length of the queue."""
    scoreboard.start_of_process()
    streaming.set_renewal(worker.notify)
    loop = getattr(worker, "loop", None)
    if loop is not None:
        # Gunicorn's ASGI worker names no length, and asyncio's 100 would replace the listener's.
        loop.create_server = functools.partial(loop.create_server, backlog=worker.cfg.backlog)


def child_exit(_arbiter: object, worker: Any) -> None:
    """Forget the gauges of a worker that has ended."""
    prometheus_files.forget_process(worker.pid)


OWN_HOOKS: dict[str, Callable[..., None]] = {
    hook.__name__: hook
    for hook in (on_starting, when_ready, post_fork, post_worker_init, child_exit)
}


def read_arguments(arguments: Iterable[str]) -> dict[str, Any]:
    """Return the settings that Gunicorn's own ``arguments`` give."""
    parsed = vars(Config().parser().parse_args(list(arguments)))
    left_out = {"args", "config"}
    return {
        name: value for name, value in parsed.items() if value is not None and name not in left_out
    }


def read_project_file(arguments: Iterable[str]) -> tuple[str, dict[str, Any]]:
    """Return the name and the content of the project's own file, both empty without one."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("-c", "--config", action="append", default=[])
    named = parser.parse_known_args(list(arguments))[0].config
    own = [each for each in named if each != OWN_MODULE]
    if own:
        location = str(own[-1]).removeprefix("file:")
    elif Path(DEFAULT_FILE).exists():
        location = DEFAULT_FILE
    else:
        return "", {}
    if location.startswith("python:"):
        return location, vars(importlib.import_module(location.removeprefix("python:")))
    return location, runpy.run_path(location, run_name="__config__")


def adopt(
    file: str, content: Mapping[str, Any], planned: Mapping[str, Any]
) -> tuple[dict[str, Any], list[str]]:
    """
    Return the settings and hooks of ``content`` that hold, and a warning for each other one.

    ``planned`` are the settings of the command line, which the plan and its arguments give.
    """
    adopted: dict[str, Any] = {}
    warnings = []
    stack = "ASGI" if planned.get("worker_class") == "asgi" else "WSGI"
    for name in sorted(content.keys() & Config().settings.keys() - {"wsgi_app", "config"}):
        value = content[name]
        if name in OWN_HOOKS:
            adopted[name] = _chained(value, OWN_HOOKS[name])
        elif name in OWN_SETTINGS:
            if value != OWN_SETTINGS[name]:
                warnings.append(
                    f"{file} sets {name} to {value!r}, but django-tandem needs "
                    f"{OWN_SETTINGS[name]!r}."
                )
        elif name in planned and name in OPTIONS:
            if value != planned[name]:
                option = OPTIONS[name].format(stack=stack)
                warnings.append(
                    f"{file} sets {name} to {value!r}, but {option} decides: {planned[name]!r}."
                )
        elif name == "worker_class" and stack == "ASGI":
            # The file is the WSGI stack's too.
            continue
        elif name == "worker_class" and value not in WSGI_WORKERS:
            warnings.append(
                f"{file} sets worker_class to {value!r}, but this is the WSGI stack: 'sync'."
            )
        else:
            adopted[name] = value
    return adopted, warnings


def _chained(first: Callable[..., Any], second: Callable[..., None]) -> Callable[..., None]:
    def hook(*subjects: Any) -> None:
        first(*subjects)
        second(*subjects)

    # Gunicorn counts the parameters.
    return functools.wraps(second)(hook)


def make_settings(arguments: Sequence[str]) -> dict[str, Any]:
    """Return the settings and hooks for Gunicorn's command line of these ``arguments``."""
    of_environment = shlex.split(os.environ.get("GUNICORN_CMD_ARGS", ""))
    file, content = read_project_file([*of_environment, *arguments])
    adopted, warnings = adopt(file, content, planned=read_arguments(arguments))
    for warning in warnings:
        logger.warning("%s", warning)
    if OWN_SETTINGS["preload_app"]:
        telemetry.wait_for_fork()
    # As the other logs of the stack have it, in ISO 8601; Gunicorn has no setting for it.
    glogging.Logger.datefmt = TIME_FORMAT
    json_logging.install()
    # No line for each worker that starts or ends.
    defaults = {"loglevel": "warning"}
    if os.access(SHARED_MEMORY, os.W_OK):
        # The heartbeat of each worker is a file's timestamp: on a disk it can stall.
        defaults["worker_tmp_dir"] = SHARED_MEMORY
    # As in the reference set-up: `--statsd-host=127.0.0.1:8125 --statsd-prefix=shop`.
    statsd = read_arguments(shlex.split(os.environ.get(environment.STATSD_ARGS, "")))
    if "statsd_host" in statsd and environment.MONITOR in os.environ:
        # The monitor counts the requests of both stacks: each is to be counted once.
        defaults["logger_class"] = LOG_COUNTS
    return {**defaults, **OWN_HOOKS, **adopted, **statsd, **OWN_SETTINGS}
