"""A worker of a task queue is started by "auto", or named where no program runs it."""

from dataclasses import replace
from typing import Any

import pytest

from builders import plan
from django_tandem.errors import SettingError
from django_tandem.model import BackgroundWorker, Plan
from django_tandem.plan.background_workers import needs

CELERY = BackgroundWorker(
    name="celery",
    arguments=("-m", "celery", "-A", "mysite", "worker"),
    origin="The Celery app mysite.celery.app",
    words=(("celery",), ("worker",)),
)
BEAT = BackgroundWorker(
    name="beat",
    arguments=("-m", "celery", "-A", "mysite", "beat"),
    origin="The schedule of the Celery app mysite.celery.app",
    words=(("celery",), ("beat", "-B")),
)
TASKS = BackgroundWorker(
    name="tasks",
    arguments=("manage.py", "db_worker", "--queue-name", "*"),
    origin='TASKS["default"], django_tasks_db.DatabaseBackend,',
    words=(("db_worker",),),
)


def planned(*workers: BackgroundWorker, **programs: Any) -> Plan:
    return plan(tandem={"PROGRAMS": programs}, background_workers=workers)


@pytest.mark.parametrize("name", ["tasks", "jobs"])
def test_auto_starts_the_only_worker_under_any_name(name) -> None:
    """By the interpreter of the stack, which supervisord's PATH may not have."""
    found = planned(TASKS, **{name: "auto"})
    process = next(each for each in found.processes if each.name == name)

    assert process.argv == ("/venv/bin/python", "manage.py", "db_worker", "--queue-name", "*")
    assert process.exclusive
    assert found.missing_workers == ()


def test_auto_starts_the_worker_of_its_name() -> None:
    """With several, the name decides."""
    found = planned(CELERY, BEAT, beat="auto")

    assert next(each.argv for each in found.processes if each.name == "beat")[-1] == "beat"
    assert found.missing_workers == (CELERY,)


@pytest.mark.parametrize(
    ("given", "signal"), [("auto", "INT"), ({"COMMAND": "auto", "STOP_SIGNAL": "QUIT"}, "QUIT")]
)
def test_auto_knows_the_signal_that_lets_a_worker_finish(given, signal) -> None:
    """An entry may name another one."""
    found = planned(replace(TASKS, stop_signal="INT"), tasks=given)
    process = next(each for each in found.processes if each.name == "tasks")

    assert (process.argv[1:3], process.stop_signal) == (("manage.py", "db_worker"), signal)


@pytest.mark.parametrize(
    ("workers", "message"),
    [
        (
            (),
            'TANDEM["PROGRAMS"]["jobs"] is "auto", and the project has no worker of a task queue '
            "that tandem knows.\n  Write its command line. Those of django.tasks, Celery, "
            "django-rq, Huey and Dramatiq are known.",
        ),
        (
            (CELERY, BEAT),
            'TANDEM["PROGRAMS"]["jobs"] is "auto", and the project has the workers celery, beat.\n'
            '  Call the entry by the name of one of them, such as "celery": "auto".',
        ),
    ],
    ids=["none", "several"],
)
def test_auto_is_an_error_where_it_is_not_one_worker(workers, message) -> None:
    """Nothing is guessed."""
    with pytest.raises(SettingError) as caught:
        planned(*workers, jobs="auto")

    assert str(caught.value) == message


def test_auto_of_beat_is_an_error_without_a_schedule() -> None:
    """The only worker would run a second time, under this name."""
    with pytest.raises(SettingError) as caught:
        planned(CELERY, beat="auto")

    assert str(caught.value) == (
        'TANDEM["PROGRAMS"]["beat"] is "auto", and the Celery app has no schedule.\n'
        "  Set CELERY_BEAT_SCHEDULE, or install django_celery_beat; or write the command line."
    )


@pytest.mark.parametrize(
    ("command", "missing"),
    [
        (None, ["celery", "beat", "tasks"]),
        ("celery -A mysite worker", ["beat", "tasks"]),
        ("celery -A mysite worker -B", ["tasks"]),
        (["/venv/bin/python", "-m", "celery", "-A", "mysite", "worker", "--beat"], ["tasks"]),
        ("./celery-worker.sh", ["beat", "tasks"]),
        ("python manage.py db_worker", ["celery", "beat"]),
        ("/srv/celery/worker/bin/python serve.py", ["celery", "beat", "tasks"]),
    ],
)
def test_a_worker_that_a_program_runs_is_not_missing(command, missing) -> None:
    """By the words of the command line, but not by the directory of its program."""
    programs = {"own": command} if command else {}

    found = planned(CELERY, BEAT, TASKS, **programs).missing_workers
    assert [each.name for each in found] == missing


def test_the_sentence_has_the_command_and_the_entry() -> None:
    """Both may be copied."""
    assert needs(TASKS) == (
        'TASKS["default"], django_tasks_db.DatabaseBackend, needs '
        "`python manage.py db_worker --queue-name '*'`, and no entry of TANDEM[\"PROGRAMS\"] runs "
        'it: add "tasks": "auto", unless it runs elsewhere.'
    )
