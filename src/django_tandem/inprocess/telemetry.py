"""
OpenTelemetry's SDK in a worker: started once it is forked, and flushed as it ends.

The extra ``otel`` and a variable that names an exporter are what starts it. A project that sets
its own tracer provider keeps it, and then nothing here does anything.
"""

import atexit
import contextlib
import functools
import importlib
import importlib.util
import logging
import os
import sys
import threading
import uuid
from collections.abc import Callable, Iterable
from typing import Any

from django_tandem import environment
from django_tandem.inprocess.prefork import should_preload
from django_tandem.model.stop import DEFAULT_STOP_S, exit_s

SIGNALS = ("TRACES", "METRICS", "LOGS")
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
# Those of the extra, and what each worker would import if their master did not.
NEEDED = ("opentelemetry.sdk", "opentelemetry.instrumentation.asgi")
MODULES = (
    "opentelemetry.sdk._configuration",
    "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    "opentelemetry.exporter.otlp.proto.http.metric_exporter",
    "opentelemetry.exporter.otlp.proto.http._log_exporter",
    "opentelemetry.instrumentation.asgi",
    "opentelemetry.instrumentation.django",
)
# The requests of both stacks have their spans by tracing.py.
OF_REQUESTS = ("asgi", "django", "wsgi")
# How long a worker that ends waits for the collector, at most.
LONGEST_FLUSH_S = 2.0

logger = logging.getLogger("django_tandem")


def exporters() -> dict[str, str]:
    """
    Return the variables that choose an exporter for each signal, as OpenTelemetry defines them.

    Where an endpoint is named and no exporter, that is OTLP, by HTTP. Python's SDK leaves these
    defaults to others.
    """
    found = {}
    for signal in SIGNALS:
        endpoints = (ENDPOINT, f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT")
        default = "otlp" if any(os.environ.get(name) for name in endpoints) else "none"
        name = f"OTEL_{signal}_EXPORTER"
        found[name] = os.environ.get(name) or default
    return found


def flush_s() -> float:
    """Return how long a worker that ends waits for the collector."""
    given = os.environ.get(environment.EXIT_S)
    # The other half is for what the project does at its exit.
    return min(LONGEST_FLUSH_S, (float(given) if given else exit_s(DEFAULT_STOP_S)) / 2)


def is_wanted() -> bool:
    """Return whether the environment names an exporter, and the extra is installed."""
    is_disabled = os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    if is_disabled or all(each.strip().lower() == "none" for each in exporters().values()):
        return False
    return _is_installed()


@functools.cache
def _is_installed() -> bool:
    try:
        return all(importlib.util.find_spec(name) is not None for name in NEEDED)
    except ModuleNotFoundError:
        return False


def is_left_to_project() -> bool:
    """Return whether the project has set a tracer provider."""
    from opentelemetry import trace  # noqa: PLC0415 - an extra

    is_set = not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)
    return is_set and not _worker.is_started


def import_modules() -> None:
    """Import in the master what its workers need, so that they share the memory."""
    if is_wanted() and not is_left_to_project():
        for name in MODULES:
            # The project may export by another protocol.
            with contextlib.suppress(ModuleNotFoundError):
                importlib.import_module(name)


class WorkerTelemetry:
    """The SDK of this process, and what waits for the fork that makes its workers."""

    def __init__(self) -> None:
        self.is_started = False
        self._master = 0
        self._pending: str | None = None
        self._undo: list[Callable[[], None]] = []
        self._flush: Callable[[], None] | None = None

    def wait_for_fork(self) -> None:
        """Start nothing in this process: it loads the project, and forks the workers."""
        self._master = os.getpid()

    def undo_if_left(self, undo: Callable[[], None]) -> None:
        """Have ``undo`` called where the project has started OpenTelemetry after the fork."""
        self._undo.append(undo)

    def start(self, stack: str) -> None:
        """Start the SDK, or have start_forked() do it where this process forks the workers."""
        if not is_wanted():
            return
        if self._master == os.getpid():
            self._pending = stack
            return
        if self.is_started:
            return
        if is_left_to_project():
            for undo in self._undo:
                undo()
            return
        self.is_started = True
        try:
            self._flush = _start(stack)
        except Exception as error:  # noqa: BLE001 - of any exporter, and requests come first
            logger.warning("OpenTelemetry can't start, so nothing is exported: %s", error)

    def start_forked(self) -> None:
        """Start what was to be started in the master of this process."""
        if self._pending is not None:
            stack, self._pending = self._pending, None
            self.start(stack)

    def flush(self) -> None:
        """Export what is recorded, within flush_s(), and end."""
        if self._flush is not None:
            flush, self._flush = self._flush, None
            flush()


_worker = WorkerTelemetry()
wait_for_fork = _worker.wait_for_fork
undo_if_left = _worker.undo_if_left
start = _worker.start
start_forked = _worker.start_forked
flush = _worker.flush


def start_after_uwsgi_forks() -> None:
    """Have uWSGI start the SDK in each worker, if it has loaded the project in its master."""
    uwsgi: Any = sys.modules.get("uwsgi")
    if uwsgi is None or not should_preload():
        return
    before = getattr(uwsgi, "post_fork_hook", None)

    def hook() -> None:
        if before is not None:
            before()
        start_forked()

    wait_for_fork()
    uwsgi.post_fork_hook = hook


def _start(stack: str) -> Callable[[], None]:
    """Start the SDK with a resource of this worker; return what flushes and ends it."""
    from opentelemetry import _logs, metrics, trace  # noqa: PLC0415 - an extra
    from opentelemetry.sdk import _configuration  # noqa: PLC0415

    os.environ.update(exporters())
    os.environ.setdefault("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")

    # Distributions of OpenTelemetry subclass it, so its signature is kept.
    configurator: Any = _configuration._OTelSDKConfigurator
    configurator().configure(resource_attributes=_resource(stack))
    _instrument_libraries()
    providers: tuple[Any, ...] = (
        trace.get_tracer_provider(),
        metrics.get_meter_provider(),
        _logs.get_logger_provider(),
    )
    flush = _flusher(providers)
    atexit.register(_worker.flush)
    # A process that multiprocessing forks, such as Granian's, skips what is registered there.
    if multiprocessing := sys.modules.get("multiprocessing.util"):
        multiprocessing.Finalize(None, _worker.flush, exitpriority=0)
    return flush


def _resource(stack: str) -> dict[str, str | int]:
    given = os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    pairs = (pair.partition("=") for pair in given.split(","))
    own = next((value for name, _, value in pairs if name.strip() == "service.instance.id"), "")
    pid = os.getpid()
    found: dict[str, str | int] = {
        # Series of two workers with one id would overwrite each other.
        "service.instance.id": f"{own.strip()}-{pid}" if own else str(uuid.uuid4()),
        "process.pid": pid,
        "tandem.stack": stack,
    }
    generation = os.environ.get(environment.GENERATION)
    return {**found, "tandem.generation": int(generation)} if generation else found


def _instrument_libraries() -> None:
    """Instrument what has a package for it, as `opentelemetry-instrument` does."""
    from opentelemetry.instrumentation.dependencies import (  # noqa: PLC0415 - an extra
        DependencyConflictError,
    )
    from opentelemetry.util._importlib_metadata import entry_points  # noqa: PLC0415

    disabled = disabled_instrumentations()
    for entry in entry_points(group="opentelemetry_instrumentor"):
        if entry.name in OF_REQUESTS or not disabled.isdisjoint({entry.name, "*"}):
            continue
        try:
            instrumentor = entry.load()()
            if not instrumentor.is_instrumented_by_opentelemetry:
                instrumentor.instrument(raise_exception_on_conflict=True)
        except (DependencyConflictError, ModuleNotFoundError):
            # The package that it instruments is not installed.
            continue
        except Exception as error:  # noqa: BLE001 - one of many
            logger.warning("OpenTelemetry can't instrument %s: %s", entry.name, error)


def disabled_instrumentations() -> frozenset[str]:
    """Return the names in OTEL_PYTHON_DISABLED_INSTRUMENTATIONS."""
    names = os.environ.get("OTEL_PYTHON_DISABLED_INSTRUMENTATIONS", "").split(",")
    return frozenset(filter(None, (name.strip() for name in names)))


def _flusher(providers: Iterable[Any]) -> Callable[[], None]:
    """
    Return a function that ends the providers, and returns after flush_s() at the latest.

    By themselves they wait for a collector that does not answer, for longer than a stop may take.
    A thread can't be started as the interpreter ends, so it is started now.
    """
    ends, ended = threading.Event(), threading.Event()
    known = [each for each in providers if hasattr(each, "shutdown")]

    def run() -> None:
        ends.wait()
        for provider in known:
            provider.shutdown()
        ended.set()

    for provider in known:
        atexit.unregister(provider.shutdown)
    threading.Thread(target=run, name="tandem-telemetry", daemon=True).start()

    def flush() -> None:
        ends.set()
        ended.wait(flush_s())

    return flush
