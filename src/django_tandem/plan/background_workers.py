"""The workers of task queues that "auto" in PROGRAMS starts, and those that nothing starts."""

import shlex
from collections.abc import Iterable

from django_tandem.errors import SettingError
from django_tandem.model import BackgroundWorker

# The command line of an entry of PROGRAMS that leaves it to us.
AUTO = ("auto",)
# The names of Celery's worker and of its scheduler.
CELERY, BEAT = "celery", "beat"


def auto_worker(name: str, workers: tuple[BackgroundWorker, ...]) -> BackgroundWorker:
    """
    Return the worker that the entry ``name`` of PROGRAMS starts by "auto".

    That is the one of this name, or else the only one. Raises SettingError for none or several.
    """
    named = {each.name: each for each in workers}
    # Under the name of Celery's scheduler, its worker would run a second time.
    is_any = len(workers) == 1 and name != BEAT
    found = named.get(name) or (workers[0] if is_any else None)
    if found is not None:
        return found
    entry = f'TANDEM["PROGRAMS"]["{name}"] is "auto"'
    if name == BEAT and CELERY in named:
        raise SettingError(
            f"{entry}, and the Celery app has no schedule.",
            hint="Set CELERY_BEAT_SCHEDULE, or install django_celery_beat; or write the command "
            "line.",
        )
    if not workers:
        raise SettingError(
            f"{entry}, and the project has no worker of a task queue that tandem knows.",
            hint="Write its command line. Those of django.tasks, Celery, django-rq, Huey and "
            "Dramatiq are known.",
        )
    raise SettingError(
        f"{entry}, and the project has the workers {', '.join(named)}.",
        hint=f'Call the entry by the name of one of them, such as "{workers[0].name}": "auto".',
    )


def without_program(
    workers: tuple[BackgroundWorker, ...], programs: Iterable[tuple[str, ...]]
) -> tuple[BackgroundWorker, ...]:
    """Return the workers that no program starts; ``programs`` are command lines."""
    started = list(programs)
    return tuple(each for each in workers if not any(map(each.is_run_by, started)))


def needs(worker: BackgroundWorker) -> str:
    """Return a sentence on a worker that no program starts, with the entry that would."""
    command = shlex.join(("python", *worker.arguments))
    return (
        f'{worker.origin} needs `{command}`, and no entry of TANDEM["PROGRAMS"] runs it: add '
        f'"{worker.name}": "auto", unless it runs elsewhere.'
    )
