"""ENV_FILE is read anew by each generation, and its values are nowhere but in the programs."""

import json
import os
import signal
from collections.abc import Iterator

import psutil
import pytest

from django_tandem.runtime.supervisord import pid_of
from harness.client import ask, wait_for
from harness.projects import without_apps
from harness.stack import Up, tandem

SETTINGS = """
import os

SECRET_KEY = os.environ["SITE_SECRET"]
INSTALLED_APPS += ["mysite", "huey.contrib.djhuey"]
HUEY = {"huey_class": "huey.SqliteHuey", "filename": "huey.db", "immediate": False}
TANDEM = {"WSGI": {"WORKERS": 1}, "MONITOR": False, "DRAIN_S": 1, "PROGRAMS": {"huey": "auto"}}
"""
VIEWS = """
import os

from django.http import HttpResponse, JsonResponse
from django.urls import path

from mysite.tasks import report

urlpatterns = [
    path("", lambda request: JsonResponse(dict(os.environ))),
    path("report/", lambda request: HttpResponse(report() and "enqueued")),
]
"""
TASKS = """
import os
from pathlib import Path

from huey.contrib.djhuey import task


@task()
def report():
    Path("reported").write_text(os.environ["SITE_SECRET"])
"""
FIRST = 'SITE_SECRET="first secret"\nSITE_OLD=old\nSITE_INHERITED=from the file\n'
SECOND = 'SITE_SECRET="second secret"\nSITE_NEW=new\n'


@pytest.fixture(scope="module")
def up(tmp_path_factory) -> Iterator[Up]:
    directory = without_apps(tmp_path_factory.mktemp("env"))
    with (directory / "mysite" / "settings.py").open("a") as settings:
        settings.write(SETTINGS)
    (directory / "mysite" / "urls.py").write_text(VIEWS)
    (directory / "mysite" / "tasks.py").write_text(TASKS)
    (directory / "site.env").write_text(FIRST)
    files = ("--env-file", "site.env", "--env-file=-site.local.env")
    with Up(directory, files, environment={"SITE_INHERITED": "from the shell"}) as running:
        yield running


def variables(up: Up) -> dict[str, str]:
    return {
        name: value for name, value in ask(up.port, "/").json.items() if name.startswith("SITE_")
    }


def reported(up: Up) -> str:
    """Return the secret of the worker that "auto" has started, by a task."""
    file = up.directory / "reported"
    file.unlink(missing_ok=True)
    assert ask(up.port, "/report/").text == "enqueued"
    wait_for(lambda: file.exists() and file.read_text())
    return file.read_text()


def reload(up: Up, text: str):
    """Reload from a shell that does not name the files: `tandem up` was given them."""
    (up.directory / "site.env").write_text(text)
    return tandem(up.directory, "reload", "--wait")


# The tests below are one history of one stack, in this order.


def test_the_programs_have_the_variables_of_the_file(up) -> None:
    """They take precedence over those of the shell, as systemd's EnvironmentFile= does."""
    assert variables(up) == {
        "SITE_SECRET": "first secret",
        "SITE_OLD": "old",
        "SITE_INHERITED": "from the file",
    }
    assert reported(up) == "first secret"


def test_the_values_are_nowhere_else(up) -> None:
    """Neither in a file, nor in an argument, nor in the output of a command."""
    secret = "first secret"
    files = [each for each in up.run_dir.iterdir() if each.is_file()]
    printed = [
        tandem(up.directory, *command.split()).stdout
        for command in ("status --json", "plan --json", "render supervisor --check")
    ]
    supervisord = psutil.Process(up.process.pid)
    arguments = [each.cmdline() for each in (supervisord, *supervisord.children(recursive=True))]

    assert [each.name for each in files if secret.encode() in each.read_bytes()] == []
    assert secret not in json.dumps([printed, arguments, up.output])
    assert secret not in supervisord.environ().values()


def test_a_program_that_restarts_keeps_the_variables_of_its_generation(up) -> None:
    """A file is saved before it is checked: that must not break what serves."""
    (up.directory / "site.env").write_text("SITE_SECRET='half a line")
    before = pid_of(up.run_dir, "wsgi-1")
    os.kill(before, signal.SIGKILL)
    wait_for(lambda: pid_of(up.run_dir, "wsgi-1") not in (before, None))

    found = wait_for(lambda: ask(up.port, "/").status == 200 and variables(up), within_s=20)
    assert found["SITE_SECRET"] == "first secret"


def test_a_reload_with_a_mistake_in_the_file_changes_nothing(up) -> None:
    """The old generation keeps serving, with what it has."""
    done = reload(up, "SITE_SECRET='second secret")

    assert done.returncode == 2
    assert done.stderr == (
        f"{up.directory}/site.env, line 1 has a quote that is not closed.\n"
        "  Close it, or put the value into the other kind of quotes.\n"
    )
    assert variables(up)["SITE_SECRET"] == "first secret"


def test_a_reload_reads_the_file_anew(up) -> None:
    """A variable that the file no longer has is gone, or that of the shell again."""
    done = reload(up, SECOND)

    assert (done.returncode, variables(up)) == (
        0,
        {
            "SITE_SECRET": "second secret",
            "SITE_NEW": "new",
            "SITE_INHERITED": "from the shell",
        },
    ), done.stderr
    assert reported(up) == "second secret"


def test_a_file_that_was_missing_is_read_once_it_exists(up) -> None:
    """A later file takes precedence."""
    (up.directory / "site.local.env").write_text("SITE_NEW=newer\n")
    done = reload(up, SECOND)

    assert (done.returncode, variables(up)["SITE_NEW"]) == (0, "newer"), done.stderr
