"""A path that the user can't access: one sentence, and a hint that says what to do."""

import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from root.commands import Done, open_project, run

from harness.stack import free_port

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")

ELSEWHERE = "Run the command as a user who may access it, or name another path."
RUN_DIR = 'Name another one in TANDEM["RUN_DIR"].'
TEMP_DIR = 'Name another one in TANDEM["EDGE"]["TEMP_DIR"].'
CLOSED_RUN_DIR = ["--run-dir", "closed/run"]
SHIFT = ["shift", "/admin/login/", "--to", "asgi"]


@pytest.fixture(scope="module")
def pristine(module_place) -> Path:
    return open_project(module_place)


@pytest.fixture
def project(pristine, place, app) -> Path:
    """A project of the user's."""
    shutil.copytree(pristine, place, dirs_exist_ok=True)
    for path in (place, *place.rglob("*")):
        os.chown(path, app.uid, app.gid)
    return place


@pytest.fixture
def as_app(python, project, app) -> Callable[..., Done]:
    """Run a command as that user."""
    return partial(run, python, project, by=app)


@pytest.fixture
def closed(project) -> Path:
    """A directory that only root may enter."""
    directory = project / "closed"
    directory.mkdir(mode=0o700)
    return directory


@pytest.fixture
def roots_run_dir(project) -> Path:
    """The project's run directory, as a stack that root has started leaves it."""
    directory = project / ".tandem"
    directory.mkdir(mode=0o700)
    (directory / "lock").touch()
    return directory


def error_of(done: Done) -> tuple[int, str]:
    """Return the exit code and the error, without the notes before it."""
    return done.returncode, "".join(done.stderr.splitlines(keepends=True)[-2:])


@pytest.mark.parametrize(
    ("arguments", "named", "hint"),
    [
        (["status", *CLOSED_RUN_DIR], "run", RUN_DIR),
        (["down", *CLOSED_RUN_DIR], "run", RUN_DIR),
        (["reload", *CLOSED_RUN_DIR], "run", RUN_DIR),
        (["block", "/", *CLOSED_RUN_DIR], "run", RUN_DIR),
        (["advise", *CLOSED_RUN_DIR], "run", ELSEWHERE),
        ([*SHIFT, *CLOSED_RUN_DIR], "run", RUN_DIR),
        (["up", "--temp-dir", "closed/temp"], "temp", TEMP_DIR),
        (["render", "systemd", "--output", "closed/out"], "out", ELSEWHERE),
        (["render", "nginx", "--output", "closed/out"], "out", ELSEWHERE),
        (["advise", "--from", "closed/history.sqlite3"], "history.sqlite3", ELSEWHERE),
        (["bench", "--from-log", "closed/log"], "log", ELSEWHERE),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, list) else "",
)
def test_a_path_in_a_closed_directory_is_named(arguments, named, hint, closed, as_app) -> None:
    """It may exist or not, which this user can't know."""
    code, error = error_of(as_app(*arguments))

    assert (code, error.rpartition(f"{closed.name}/")[2]) == (
        2,
        f"{named} can't be accessed: Permission denied.\n  {hint}\n",
    )


@pytest.mark.parametrize(
    "arguments",
    [["render", "nginx"], ["block", "/"], ["advise"], SHIFT],
    ids=lambda arguments: arguments[0],
)
def test_the_run_directory_of_another_user_is_named(arguments, roots_run_dir, as_app) -> None:
    """Whether a stack runs there, only that user can know."""
    assert error_of(as_app(*arguments)) == (
        2,
        f"{roots_run_dir} belongs to user root.\n"
        "  Run the command as that user, with `sudo -u root`, or name another directory in "
        'TANDEM["RUN_DIR"].\n',
    )


def test_any_user_may_see_the_plan(roots_run_dir, as_app) -> None:
    """Without the handovers of the stack, which are its user's."""
    with_stack = as_app("plan", "--json")
    shutil.rmtree(roots_run_dir)
    without_stack = as_app("plan", "--json")

    assert (with_stack.returncode, with_stack.stdout) == (0, without_stack.stdout)


def test_checks_name_what_cannot_be_accessed(project, closed, as_app, app) -> None:
    """Each of the paths, and none as missing."""
    settings = project / "mysite" / "settings.py"
    settings.write_text(
        f"{settings.read_text()}\n"
        f'MEDIA_ROOT = "{closed}/media"\n'
        f'DATABASES["default"]["NAME"] = "{closed}/data/db.sqlite3"\n'
        f'TANDEM = {{"RUN_DIR": "{closed}/run", "BIND": "127.0.0.1:{free_port()}"}}\n'
    )
    done = as_app("check")

    refused = f"and user {app.name} can't write to it."
    assert done.returncode == 1
    assert f"(tandem.E012) {closed}/run can't be accessed: Permission denied." in done.stdout
    assert f'the SQLite database "{closed}/data/db.sqlite3", {refused}' in done.stdout
    assert f'(tandem.W017) MEDIA_ROOT is "{closed}/media", {refused}' in done.stdout
    assert "tandem.W016" not in done.stdout
