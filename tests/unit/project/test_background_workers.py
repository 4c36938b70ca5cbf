"""The workers of real packages are found, with command lines that the packages accept."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from harness.projects import startproject
from harness.stack import clean_environment, free_port, tandem

pytestmark = pytest.mark.processes

SETTINGS = """
INSTALLED_APPS += ["django_tasks_db", "django_dramatiq", "huey.contrib.djhuey"]
TASKS = {
    "default": {"BACKEND": "django_tasks_db.DatabaseBackend"},
    "mail": {"BACKEND": "django_tasks_db.DatabaseBackend", "QUEUES": ["mail", "news"]},
    "now": {"BACKEND": "django.tasks.backends.immediate.ImmediateBackend"},
}
HUEY = {"huey_class": "huey.MemoryHuey", "immediate": False}
DRAMATIQ_BROKER = {"BROKER": "dramatiq.brokers.stub.StubBroker", "OPTIONS": {}, "MIDDLEWARE": []}
"""
DJANGO_RQ = """
INSTALLED_APPS += ["django_rq"]
RQ_QUEUES = {"default": {"HOST": "127.0.0.1"}, "low": {"HOST": "127.0.0.1"}}
"""
RQ_SETTINGS = f"""{DJANGO_RQ}
INSTALLED_APPS += ["huey.contrib.djhuey"]
HUEY = {{"huey_class": "huey.MemoryHuey"}}
CELERY_BEAT_SCHEDULE = {{"clean": {{"task": "clean", "schedule": 60}}}}
"""
TASKS_BY_RQ = f"""{DJANGO_RQ}
TASKS = {{"default": {{"BACKEND": "django_tasks_rq.RQBackend", "QUEUES": ["low"]}}}}
"""
CELERY = """
import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")
app = Celery("mysite", broker="memory://")
app.config_from_object("django.conf:settings", namespace="CELERY")
"""


def make(directory: Path, settings: str, *, is_imported: bool = False) -> Path:
    startproject(directory)
    with (directory / "mysite" / "settings.py").open("a") as file:
        file.write(settings)
    (directory / "mysite" / "celery.py").write_text(CELERY)
    if is_imported:
        # As Celery's documentation has it.
        (directory / "mysite" / "__init__.py").write_text("from .celery import app as celery_app\n")
    return directory


def needed(project: Path) -> dict[str, str]:
    """Return the command of each worker that `tandem check` names, by what needs it."""
    done = tandem(project, "check", "--json", "--bind", f"127.0.0.1:{free_port()}")
    found = json.loads(done.stdout or "[]")
    messages = [each["message"] for each in found if each["id"] == "tandem.I002"]
    assert done.returncode == 0, done.stderr
    return dict(text.split("`")[:2] for text in messages)


def test_each_queue_of_a_project_is_found(tmp_path) -> None:
    """A backend that needs no worker is not."""
    beat = "--scheduler django_celery_beat.schedulers:DatabaseScheduler"
    # The package itself can't be installed beside rq-scheduler: both have a module `crontab`.
    (tmp_path / "django_celery_beat").mkdir()
    (tmp_path / "django_celery_beat" / "__init__.py").touch()
    installed = f'{SETTINGS}INSTALLED_APPS += ["django_celery_beat"]\n'
    project = make(tmp_path, installed, is_imported=True)

    assert needed(project) == {
        'TASKS["default"], django_tasks_db.DatabaseBackend, needs ': "python manage.py db_worker",
        "The Celery app mysite.celery.app needs ": (
            "python -m celery -A mysite worker --loglevel INFO"
        ),
        "The schedule of the Celery app mysite.celery.app needs ": (
            f"python -m celery -A mysite beat --loglevel INFO {beat}"
        ),
        "huey.contrib.djhuey needs ": "python manage.py run_huey",
        "django_dramatiq needs ": "python manage.py rundramatiq",
        'TASKS["mail"], django_tasks_db.DatabaseBackend, needs ': (
            "python manage.py db_worker --backend mail --queue-name '*'"
        ),
    }


def test_an_app_that_nothing_imports_is_found_and_an_immediate_huey_is_not(tmp_path) -> None:
    """With DEBUG, Huey runs a task where it is called."""
    assert needed(make(tmp_path, RQ_SETTINGS)) == {
        "The Celery app mysite needs ": "python -m celery -A mysite worker --loglevel INFO",
        "The schedule of the Celery app mysite needs ": (
            "python -m celery -A mysite beat --loglevel INFO"
        ),
        "RQ_QUEUES needs ": "python manage.py rqworker default low",
    }


def test_tasks_by_rq_take_the_job_class_of_their_backend(tmp_path) -> None:
    """The same worker serves RQ_QUEUES, and is named once."""
    project = make(tmp_path, TASKS_BY_RQ)
    (project / "mysite" / "celery.py").unlink()

    assert needed(project) == {
        'TASKS["default"], django_tasks_rq.RQBackend, needs ': (
            "python manage.py rqworker --job-class django_tasks_rq.Job low"
        )
    }


def test_a_plan_names_what_no_program_runs(tmp_path) -> None:
    """An app in another module than celery.py too; `current_app` is a proxy of it."""
    project = make(tmp_path, 'TANDEM = {"PROGRAMS": {"own": "celery -A mysite worker"}}')
    (project / "mysite" / "celery.py").unlink()
    (project / "mysite" / "queueing.py").write_text(
        CELERY.replace("app", "queue") + "queue.conf.beat_schedule = {'a': {}}\n"
    )
    (project / "mysite" / "__init__.py").write_text(
        "from celery import current_app\n\nimport mysite.queueing\n"
    )
    sentence = (
        "The schedule of the Celery app mysite.queueing.queue needs "
        "`python -m celery -A mysite.queueing:queue beat --loglevel INFO`, and no entry of "
        'TANDEM["PROGRAMS"] runs it: add "beat": "auto", unless it runs elsewhere.'
    )

    assert sentence in tandem(project, "plan").stderr.splitlines()


ACCEPTED = """
import sys

import django
from celery.bin.celery import celery
from django.core.management import get_commands, load_command_class

django.setup()
for line in sys.argv[1:]:
    name, *arguments = line.split()
    if name == "celery":
        celery.main([*arguments, "--help"], standalone_mode=False)
    else:
        command = load_command_class(get_commands()[name], name)
        command.create_parser("manage.py", name).parse_args(arguments)
"""


def test_the_packages_accept_these_arguments(tmp_path) -> None:
    """They are the ones above."""
    lines = (
        "db_worker",
        "db_worker --backend mail --queue-name *",
        "rqworker default low",
        "rqworker --job-class django_tasks_rq.Job low",
        "run_huey",
        "rundramatiq",
        "celery -A mysite worker --loglevel INFO",
        "celery -A mysite beat --loglevel INFO",
    )
    done = subprocess.run(
        [sys.executable, "-c", ACCEPTED, *lines],
        cwd=make(tmp_path, f"{SETTINGS}{DJANGO_RQ}"),
        env=clean_environment() | {"DJANGO_SETTINGS_MODULE": "mysite.settings"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert done.returncode == 0, done.stderr
