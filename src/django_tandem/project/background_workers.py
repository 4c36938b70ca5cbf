"""The workers of task queues that the project's settings and code name, with their commands."""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings as django_settings
from django.core.management import get_commands

from django_tandem.model import BackgroundWorker
from django_tandem.project.location import Location

DEFAULT = "default"
# In the name of a command, such as db_worker, by which a django.tasks backend processes its queue.
WORKER = "worker"
RQ_BACKENDS = ("django_tasks_rq.", "django_tasks.backends.rq.")
INSTALLED = frozenset({"site-packages", "dist-packages"})
DATABASE_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"


def read_background_workers(location: Location) -> tuple[BackgroundWorker, ...]:
    """Return the workers that the project needs, once Django is set up and its URLconf imported."""
    manage = "manage.py" if location.manage_py else "-m django"
    found = [
        *_of_tasks(manage),
        *_of_celery(location),
        *_of_rq(manage),
        *_of_huey(manage),
        *_of_dramatiq(manage),
    ]
    # One command may serve a backend of django.tasks and the app below it.
    first = {each.words: each for each in reversed(found)}
    return tuple(each for each in found if first[each.words] is each)


def _command(manage: str, name: str, command: str, origin: str, *more: str) -> BackgroundWorker:
    arguments = (*manage.split(), command, *more)
    return BackgroundWorker(name=name, arguments=arguments, origin=origin, words=((command,),))


def _of_tasks(manage: str) -> Iterator[BackgroundWorker]:
    """Yield the workers of the backends in TASKS: Django 6.0's, and those of django-tasks."""
    tasks = getattr(django_settings, "TASKS", None) or {}
    for alias, backend in tasks.items() if isinstance(tasks, Mapping) else ():
        dotted = str(backend.get("BACKEND", ""))
        name = "tasks" if alias == DEFAULT else f"tasks-{alias}"
        origin = f'TASKS["{alias}"], {dotted},'
        queues = tuple(backend.get("QUEUES") or (DEFAULT,))
        if dotted.startswith(RQ_BACKENDS):
            job = f"{dotted.partition('.RQBackend')[0]}.Job"
            yield _command(manage, name, "rqworker", origin, "--job-class", job, *queues)
        elif command := _worker_command(dotted):
            more = [] if alias == DEFAULT else ["--backend", alias]
            more += [] if queues == (DEFAULT,) else ["--queue-name", "*"]
            worker = _command(manage, name, command, origin, *more)
            # Each backend has its own worker.
            is_default = alias == DEFAULT
            yield worker if is_default else replace(worker, words=(*worker.words, (alias,)))


def _worker_command(backend: str) -> str | None:
    """Return the one command of the backend's own package that is a worker."""
    package = backend.partition(".")[0]
    found = [
        command
        for command, app in get_commands().items()
        if WORKER in command and str(app).partition(".")[0] == package
    ]
    return found[0] if len(found) == 1 else None


def _of_celery(location: Location) -> Iterator[BackgroundWorker]:
    app = _loaded_app(location.directory)
    if app is not None and _conf(app.instance, "task_always_eager"):
        return
    chosen = app.chosen if app else _package_with_app(location)
    if not chosen:
        return
    celery = ("-m", "celery", "-A", chosen)
    origin = f"The Celery app {app.dotted if app else chosen}"
    yield BackgroundWorker(
        name="celery",
        arguments=(*celery, "worker", "--loglevel", "INFO"),
        origin=origin,
        words=(("celery",), ("worker",)),
    )
    by_database = apps.is_installed("django_celery_beat")
    schedule = app and _conf(app.instance, "beat_schedule")
    if by_database or schedule or getattr(django_settings, "CELERY_BEAT_SCHEDULE", None):
        scheduler = ("--scheduler", DATABASE_SCHEDULER) if by_database else ()
        yield BackgroundWorker(
            name="beat",
            arguments=(*celery, "beat", "--loglevel", "INFO", *scheduler),
            origin=f"The schedule of the Celery app {app.dotted if app else chosen}",
            words=(("celery",), ("beat", "-B")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CeleryApp:
    """A Celery app of the project: the module that holds it, and its name there."""

    module: str
    name: str
    instance: Any

    @property
    def dotted(self) -> str:
        """Its dotted path."""
        return f"{self.module}.{self.name}"

    @property
    def chosen(self) -> str:
        """The shortest value of -A with which Celery finds it."""
        package, _, module = self.module.rpartition(".")
        is_found = module == "celery" and self.name in ("app", "celery")
        return package if package and is_found else f"{self.module}:{self.name}"


def _loaded_app(directory: Path) -> CeleryApp | None:
    cls = getattr(sys.modules.get("celery.app.base"), "Celery", None)
    if cls is None:
        return None
    modules = [module for _, module in sorted(sys.modules.items()) if _is_own(module, directory)]
    # Where it is made, from which other modules import it.
    modules.sort(key=lambda module: module.__name__.rpartition(".")[2] != "celery")
    for module in modules:
        for name, value in vars(module).items():
            # Not by isinstance(), for which the proxy `current_app` is one too.
            if issubclass(type(value), cls):
                return CeleryApp(module=module.__name__, name=name, instance=value)
    return None


def _is_own(module: Any, directory: Path) -> bool:
    file = getattr(module, "__file__", None)
    # A virtual environment may lie in the project.
    return (
        isinstance(file, str)
        and Path(file).is_relative_to(directory)
        and INSTALLED.isdisjoint(Path(file).parts)
    )


def _package_with_app(location: Location) -> str:
    """Return the settings' package if its celery.py makes an app that nothing has imported."""
    package = location.settings_module.partition(".")[0]
    try:
        text = location.directory.joinpath(package, "celery.py").read_text()
    except (OSError, ValueError):
        return ""
    return package if "Celery(" in text else ""


def _conf(app: Any, name: str) -> Any:
    """Return a value of the app's configuration; None where that can't be read."""
    try:
        return getattr(app.conf, name)
    except Exception:  # noqa: BLE001 - it may name modules and settings of any kind
        return None


def _of_rq(manage: str) -> Iterator[BackgroundWorker]:
    queues = getattr(django_settings, "RQ_QUEUES", None)
    if apps.is_installed("django_rq") and queues:
        yield _command(manage, "rq", "rqworker", "RQ_QUEUES", *queues)


def _of_huey(manage: str) -> Iterator[BackgroundWorker]:
    huey = getattr(django_settings, "HUEY", None)
    # In its immediate mode a task runs where it is called.
    if isinstance(huey, Mapping):
        is_immediate = huey.get("immediate", django_settings.DEBUG)
    else:
        is_immediate = getattr(huey, "immediate", False)
    if apps.is_installed("huey.contrib.djhuey") and not is_immediate:
        worker = _command(manage, "huey", "run_huey", "huey.contrib.djhuey")
        # SIGTERM interrupts its tasks.
        yield replace(worker, stop_signal="INT")


def _of_dramatiq(manage: str) -> Iterator[BackgroundWorker]:
    if apps.is_installed("django_dramatiq"):
        yield _command(manage, "dramatiq", "rundramatiq", "django_dramatiq")
