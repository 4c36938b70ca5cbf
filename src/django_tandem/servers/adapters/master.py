"""
The shared master: imports the project once, and forks WSGI, ASGI and Channels workers.

    python -m django_tandem.servers.adapters.master OPTIONS --gunicorn … [--uvicorn …]

In a container of one stack it is process 1, and forks the workers of that stack alone.
"""

import argparse
import copy
import functools
import inspect
import logging
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

import click
from gunicorn.app.wsgiapp import WSGIApplication
from gunicorn.config import Config
from gunicorn.workers.gthread import ThreadWorker
from gunicorn.workers.sync import SyncWorker
from uvicorn.config import LOGGING_CONFIG
from uvicorn.config import Config as UvicornConfig
from uvicorn.main import main as uvicorn_command

from django_tandem import environment, fingerprints
from django_tandem.inprocess import prefork, process_start, shared_project, worker_process
from django_tandem.inprocess.shared_project import SharedProject
from django_tandem.model import Recycle, Stack, StopTimes
from django_tandem.servers.adapters import master_sources, separate_programs
from django_tandem.servers.adapters.forked_workers import (
    ForkedChannelsWorker,
    ForkedKind,
    forkable_worker_class,
    uvicorn_worker,
)
from django_tandem.servers.adapters.separate_programs import ChildCommand
from django_tandem.servers.adapters.shared_arbiter import SharedArbiter

PRELOADS = {"auto": None, "always": prefork.ALWAYS, "never": prefork.NEVER}
# Other workers patch the standard library, which the ASGI workers must not share.
FORKABLE_WORKERS = (SyncWorker, ThreadWorker)
# Options of tasks that the master does itself, or that need Uvicorn's own master.
NOT_PASSED = frozenset({"app", "host", "port", "uds", "fd", "workers", "factory", "headers"})

logger = logging.getLogger("django_tandem")


class SharedApplication(WSGIApplication):  # type: ignore[misc]
    """
    The application of the arbiter: both of the project's, and the kinds of their workers.

    ``asgi`` are Uvicorn's options, None where the master has no ASGI workers.
    """

    def __init__(self, options: argparse.Namespace, asgi: dict[str, Any] | None) -> None:
        self.options, self.asgi = options, asgi
        super().__init__(prog="gunicorn")
        own = [] if asgi is None else [f"unix:{asgi['uds']}", *options.asgi_bind]
        of_wsgi = self.cfg.bind if self.has_wsgi else []
        self.cfg.set("bind", [*of_wsgi, *own])
        self.addresses = {
            Stack.WSGI: tuple(self.cfg.address[: len(of_wsgi)]),
            Stack.ASGI: tuple(self.cfg.address[len(of_wsgi) :]),
        }
        self._choose_preloading()

    @property
    def has_wsgi(self) -> bool:
        """Whether the master has WSGI workers."""
        return self.options.stack is not Stack.ASGI

    @property
    def stop(self) -> StopTimes | None:
        """The times of a stop, None where a supervisor stops the master."""
        options = self.options
        return StopTimes(stop_s=options.stop, delay_s=options.stop_delay) if options.stop else None

    @property
    def obstacle(self) -> str:
        """Why the workers should not be forked from the loaded project, empty if they may."""
        return self.project.obstacle

    @property
    def project(self) -> SharedProject:
        """The project, loaded at the first call."""
        return self.wsgi()  # type: ignore[no-any-return]

    def load(self) -> SharedProject:
        """Load the project, and what Uvicorn would import in each worker."""
        own = {Stack.WSGI: self.has_wsgi, Stack.ASGI: self.asgi is not None}
        loaded = shared_project.load_project([stack for stack, is_own in own.items() if is_own])
        if self.asgi is not None:
            options = {**uvicorn_options(self.asgi), "app": loaded.asgi, "log_config": None}
            config = UvicornConfig(**options)
            config.load()
            config.get_loop_factory()
        return loaded

    def run(self) -> None:
        """Run the arbiter."""
        if self.cfg.pythonpath:
            sys.path[:0] = [os.path.abspath(each) for each in self.cfg.pythonpath.split(",")]  # noqa: PTH100
        SharedArbiter(self).run()

    def _choose_preloading(self) -> None:
        chosen = self.cfg.worker_class
        if self.cfg.preload_app and not issubclass(chosen, FORKABLE_WORKERS):
            name = self.cfg.worker_class_str
            logger.warning(
                "The worker class is %r, so each worker loads the project separately.", name
            )
            self.cfg.set("preload_app", False)

    def kinds(self) -> tuple[ForkedKind, ...]:
        """Return the kinds of workers: of the stacks, and of Channels if there are channels."""
        return (
            *((self._wsgi(),) if self.has_wsgi else ()),
            *((self._asgi(self.asgi),) if self.asgi is not None else ()),
            *((self._channels(),) if self.options.channel else ()),
        )

    def _wsgi(self) -> ForkedKind:
        config = self.cfg
        return ForkedKind(
            name=Stack.WSGI.value,
            worker_class=forkable_worker_class(config.worker_class),
            # The threads of a replaced worker have as long as a request may take. At a stop, the
            # master's own limit holds.
            config=with_settings(config, graceful_timeout=config.timeout),
            workers=config.workers,
            load=self._loader(Stack.WSGI),
            addresses=self.addresses[Stack.WSGI],
            backlog=config.backlog,
            timeout_s=config.timeout,
            niceness=self.options.wsgi_nice,
            recycle=self._recycle(),
        )

    def _asgi(self, asgi: dict[str, Any]) -> ForkedKind:
        drain_s, timeout_s = self.options.drain, asgi["timeout_worker_healthcheck"]
        return ForkedKind(
            name=Stack.ASGI.value,
            worker_class=uvicorn_worker(uvicorn_options(asgi)),
            config=with_settings(self.cfg, max_requests=0),
            workers=asgi["workers"] or 1,
            load=self._loader(Stack.ASGI),
            addresses=self.addresses[Stack.ASGI],
            backlog=asgi["backlog"],
            timeout_s=timeout_s,
            recycle=self._recycle(),
            drain_s=drain_s,
            # Its event loop may wait in the project's code, and its heartbeat continues.
            drain_limit_s=drain_s + timeout_s + self.cfg.graceful_timeout,
        )

    def _channels(self) -> ForkedKind:
        # Channels is imported only where the project uses it. A consumer may run for long.
        from django_tandem.inprocess import channels_worker  # noqa: PLC0415

        # Here, where the memory that it takes is used again.
        fingerprints.unknown_among(channels_worker.WORKER)
        return ForkedKind(
            name="channels",
            worker_class=ForkedChannelsWorker,
            config=with_settings(self.cfg, max_requests=0),
            workers=1,
            load=functools.partial(channels_worker.make_worker, self.options.channel),
            is_last=True,
        )

    def _recycle(self) -> Recycle:
        options = self.options
        return Recycle(
            memory_bytes=options.recycle_memory,
            age_s=options.recycle_age,
            requests=options.recycle_requests,
        )

    def _loader(self, stack: Stack) -> Callable[[], Any]:
        if self.cfg.preload_app:
            return functools.partial(shared_project.application_of_worker, self.project, stack)
        return functools.partial(shared_project.import_entry_point, stack)


def with_settings(config: Config, **changed: Any) -> Config:
    """Return a copy of Gunicorn's configuration with other settings."""
    new = copy.copy(config)
    new.settings = {name: copy.copy(setting) for name, setting in config.settings.items()}
    for name, value in changed.items():
        new.set(name, value)
    return new


def read_uvicorn(arguments: Sequence[str]) -> dict[str, Any]:
    """Return Uvicorn's own options by name, as its command line gives them."""
    try:
        context = uvicorn_command.make_context("uvicorn", list(arguments))
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    return dict(context.params)


def uvicorn_options(parsed: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of ``uvicorn.Config`` for the options of its command line."""
    known = inspect.signature(UvicornConfig).parameters.keys() - NOT_PASSED
    options = {name: value for name, value in parsed.items() if name in known}
    pairs = [header.split(":", 1) for header in parsed["headers"]]
    return {**options, "headers": [(name, value) for name, value in pairs]}


def read_arguments(arguments: Sequence[str]) -> tuple[argparse.Namespace, list[str], list[str]]:
    """Return the master's own options, and the arguments of Gunicorn and of Uvicorn."""
    parser = argparse.ArgumentParser(prog="master", allow_abbrev=False)
    parser.add_argument("--preload", choices=PRELOADS, default="auto")
    parser.add_argument("--channel", action="append", default=[])
    parser.add_argument("--drain", type=float, default=30.0)
    parser.add_argument("--stack", type=Stack)
    parser.add_argument("--asgi-bind", action="append", default=[])
    numbers = ("wsgi-nice", "recycle-memory", "recycle-age", "recycle-requests")
    for name in (*numbers, "stop", "stop-delay"):
        parser.add_argument(f"--{name}", type=int, default=0)
    first = arguments.index("--gunicorn")
    last = arguments.index("--uvicorn") if "--uvicorn" in arguments else len(arguments)
    options = parser.parse_args(arguments[:first])
    return options, list(arguments[first + 1 : last]), list(arguments[last + 1 :])


def separate_commands(
    options: argparse.Namespace, gunicorn: list[str], asgi: list[str]
) -> dict[str, ChildCommand]:
    """Return the command line of each kind as a separate program."""
    channels = ("-m", "django_tandem.inprocess.channels_worker", *options.channel)
    commands = {
        "wsgi": ChildCommand(argv=("-m", "gunicorn", *gunicorn), niceness=options.wsgi_nice),
        "asgi": ChildCommand(argv=("-m", "uvicorn", *asgi)),
        "channels": ChildCommand(argv=channels),
    }
    runs = {"wsgi": options.stack != Stack.ASGI, "asgi": asgi, "channels": options.channel}
    return {kind: each for kind, each in commands.items() if runs[kind]}


def main() -> None:
    """Run the master."""
    worker_process.register_exit(prefork.close_connections)
    options, gunicorn, asgi = read_arguments(sys.argv[1:])
    if options.stop:
        process_start.take_signals()
    preload = PRELOADS[options.preload]
    if preload is not None:
        os.environ[environment.PRELOAD] = preload
    # A failure to load the project is the master's.
    os.environ[environment.PROGRAM] = "master"
    if not master_sources.are_known():
        # The plan was made with other versions.
        sys.exit(separate_programs.run(separate_commands(options, gunicorn, asgi)))
    # Read by Gunicorn, and by the module that has its settings.
    sys.argv = ["gunicorn", *gunicorn]
    parsed = read_uvicorn(asgi) if asgi else None
    if parsed is not None:
        # As Uvicorn does, before the project may configure other loggers.
        UvicornConfig(None, **{"log_config": LOGGING_CONFIG, **uvicorn_options(parsed)})
    SharedApplication(options, parsed).run()


if __name__ == "__main__":
    main()
