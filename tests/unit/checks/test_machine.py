"""What the plan needs is missing, or this machine's user can't write where the project does."""

import json
import os
import socket
from pathlib import Path

import oracle.configured  # noqa: F401 - Django, for its settings
import pytest
from checks.gathered import facts
from checks.managing import installed, manage
from checks.messages import contents
from django.conf import settings as django_settings
from django.db import connections

from builders import plan
from django_tandem.checks.facts import Unwritable
from django_tandem.checks.machine import (
    database_is_writable,
    machine_has_all,
    media_root_is_writable,
    nginx_accepts_the_edge,
    read_missing,
    read_unwritable,
)
from django_tandem.errors import MachineError
from django_tandem.runtime import accounts
from django_tandem.runtime.privileges import call_as
from django_tandem.settings import read_settings
from harness.projects import startproject
from harness.stack import Up, free_port, tandem


def test_what_the_machine_lacks_is_an_error_each() -> None:
    """With the sentences of `tandem up`."""
    missing = (MachineError("No a.", hint="Install a."), MachineError("No b.", hint="Install b."))

    assert contents(machine_has_all(facts(missing=missing))) == [
        ("tandem.E012", "TANDEM", "No a.", "Install a."),
        ("tandem.E012", "TANDEM", "No b.", "Install b."),
    ]
    assert contents(machine_has_all(facts())) == []


def test_a_rejected_configuration_is_an_error() -> None:
    """With NGINX's own output."""
    assert contents(nginx_accepts_the_edge(facts(nginx_errors="[emerg] no"))) == [
        ("tandem.E013", "TANDEM", "NGINX rejects the rendered nginx.conf.", "[emerg] no")
    ]
    assert contents(nginx_accepts_the_edge(facts())) == []


def test_a_server_whose_package_is_missing_is_found(monkeypatch) -> None:
    """Beside everything else that is missing."""
    monkeypatch.setattr("importlib.metadata.Distribution.discover", lambda **_kwargs: iter(()))
    tandem = {"BIND": f"127.0.0.1:{free_port()}", "EDGE": {"INCLUDE": "/nonexistent"}}

    assert [
        error.message for error in read_missing(plan(tandem=tandem), read_settings(tandem))
    ] == [
        'TANDEM["WSGI"]["SERVER"] is "gunicorn", and the package gunicorn is not installed.',
        'TANDEM["EDGE"]["INCLUDE"] is "/nonexistent", which is not readable.',
    ]


MISTAKES = {
    "include": {"EDGE": {"INCLUDE": "edge.conf"}},
    "certificate": {"EDGE": {"TLS": {"CERTIFICATE": "c", "KEY": "k"}}},
    "error page": {"EDGE": {"ERROR_PAGES": {503: "no.html"}}},
    "program": {"PROGRAMS": {"absent": ["no-such"]}},
    "program's interpreter": {"PROGRAMS": {"broken": ["./broken"]}},
    "directive": {"EDGE": {"INCLUDE": "sing.conf"}},
    "run directory": {"RUN_DIR": "mysite"},
    "bind": {"BIND": "192.0.2.1:8000"},
}


@pytest.mark.processes
@pytest.mark.parametrize("mistake", MISTAKES)
def test_check_fails_where_up_refuses(mistake, tmp_path) -> None:
    """For the same reason, in the same sentence."""
    project = startproject(tmp_path)
    (project / "broken").write_text("#!/bin/nosuch\n")
    (project / "broken").chmod(0o755)
    (project / "sing.conf").write_text("sing loudly;\n")
    setting = {"BIND": f"127.0.0.1:{free_port()}", **MISTAKES[mistake]}
    (project / "mysite" / "settings.py").open("a").write(f"\nTANDEM = {setting!r}\n")
    up = tandem(project, "up")
    check = tandem(project, "check", "--json")

    errors = [each for each in json.loads(check.stdout) if each["level"] == "error"]
    assert (check.returncode, bool(up.returncode)) == (1, True)
    assert f"\n{errors[0]['message']}\n" in up.stderr


@pytest.mark.processes
def test_check_finds_a_wrong_setting_as_every_command_does(tmp_path) -> None:
    """Both one that can't be read and one that can't be carried out."""
    project = startproject(tmp_path)
    settings = project / "mysite" / "settings.py"
    before = settings.read_text()
    for setting, message, hint in (
        ({"BNID": ":80"}, 'TANDEM["BNID"] is not an option.', 'Did you mean "BIND"?'),
        (
            {"ASGI": {"SERVER": "uvcorn"}},
            'TANDEM["ASGI"]["SERVER"] is "uvcorn".',
            'Did you mean "uvicorn"?',
        ),
    ):
        settings.write_text(f"{before}\nTANDEM = {setting!r}\n")
        done = tandem(project, "check", "--json")

        assert done.returncode == 1
        assert json.loads(done.stdout) == [
            {
                "id": "tandem.E001",
                "level": "error",
                "object": "TANDEM",
                "message": message,
                "hint": hint,
            }
        ]


@pytest.mark.processes
def test_check_writes_nothing(tmp_path) -> None:
    """Neither a run directory nor files of NGINX."""
    project = startproject(tmp_path)
    before = _files(project)
    done = tandem(project, "check", "--bind", f"127.0.0.1:{free_port()}")

    assert (done.returncode, done.stderr) == (0, "0 errors, 0 warnings, 0 silenced.\n")
    assert _files(project) == before


def _files(directory: Path) -> list[Path]:
    return sorted(path for path in directory.rglob("*") if "__pycache__" not in path.parts)


@pytest.mark.processes
def test_an_address_in_use_is_no_finding_for_the_stack_that_listens_there(tmp_path) -> None:
    """For any other it is one."""
    project = startproject(tmp_path)
    with Up(project) as up:
        own = tandem(project, "check", "--bind", f"127.0.0.1:{up.port}")
        with socket.create_server(("127.0.0.1", 0)) as taken:
            bind = f"127.0.0.1:{taken.getsockname()[1]}"
            other = tandem(project, "check", "--bind", bind)

    assert (own.returncode, other.returncode) == (0, 1)
    assert f"TANDEM: (tandem.E012) {bind} is in use by another program.\n" in other.stdout


@pytest.mark.processes
def test_djangos_own_check_does_not_judge_the_machine(tmp_path) -> None:
    """It runs in CI and in images that serve nothing."""
    project = installed(tmp_path, 'TANDEM = {"EDGE": {"INCLUDE": "edge.conf"}}\n')

    assert manage(project, "check").returncode == 0


@pytest.mark.processes
def test_check_prints_the_notes_of_the_plan(tmp_path) -> None:
    """As information, also about a pin without effect, which `plan` and `up` print."""
    project = startproject(tmp_path)
    setting = {"ROUTES": [("/nothing/", "asgi")]}
    (project / "mysite" / "settings.py").open("a").write(f"\nTANDEM = {setting!r}\n")
    bind = ("--bind", f"127.0.0.1:{free_port()}")
    shown = tandem(project, "check", *bind)
    found = json.loads(tandem(project, "check", "--json", *bind).stdout)

    note = 'TANDEM["ROUTES"][0]: no route begins with "/nothing/".'
    assert f"TANDEM: (tandem.I001) {note}\n" in shown.stdout
    assert {
        "id": "tandem.I001",
        "level": "info",
        "object": "TANDEM",
        "message": note,
        "hint": None,
    } in found


SQLITE = "django.db.backends.sqlite3"
APP = accounts.find("54321", "`--user`")


def test_a_database_or_its_directory_is_named_with_the_user() -> None:
    """SQLite writes its journal beside the file."""
    found = facts(
        unwritable=(
            Unwritable(path="/srv/a.sqlite3", user="app", alias="default"),
            Unwritable(path="/srv/b.sqlite3", user="app", alias="b", is_file=False),
        )
    )
    hint = "Give both the file and its directory, where SQLite keeps its journal, to app."

    assert contents(database_is_writable(found)) == [
        (
            "tandem.E014",
            "DATABASES",
            'DATABASES["default"] is the SQLite database "/srv/a.sqlite3", and user app '
            "can't write to it.",
            hint,
        ),
        (
            "tandem.E014",
            "DATABASES",
            'DATABASES["b"] is the SQLite database "/srv/b.sqlite3", and user app '
            "can't write to its directory.",
            hint,
        ),
    ]
    assert contents(media_root_is_writable(found)) == []


def test_a_media_root_is_a_warning() -> None:
    """A project may well save no files."""
    found = facts(unwritable=(Unwritable(path="/srv/media", user="app"),))

    assert contents(media_root_is_writable(found)) == [
        (
            "tandem.W017",
            "MEDIA_ROOT",
            'MEDIA_ROOT is "/srv/media", and user app can\'t write to it.',
            "Give it to app, unless the project saves no files.",
        )
    ]
    assert contents(database_is_writable(found)) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize(
    ("name", "is_found"),
    [
        ("file.sqlite3", True),
        ("new.sqlite3", True),
        (":memory:", False),
        ("file:file.sqlite3?mode=ro", False),
        ("none/there.sqlite3", False),
    ],
)
def test_the_files_that_the_user_can_not_write_to_are_found(
    name, is_found, tmp_path, monkeypatch
) -> None:
    """Not a database in memory, nor one whose URI says that it is only read."""
    (tmp_path / "file.sqlite3").touch()
    for directory in (tmp_path, *tmp_path.parents):
        # pytest's own, which are closed to other users.
        if directory.name.startswith(("pytest", "popen", "test_")):
            directory.chmod(0o755)
    monkeypatch.setitem(connections.settings, "default", {"ENGINE": SQLITE, "NAME": name})
    monkeypatch.setattr(django_settings, "MEDIA_ROOT", "")

    found = call_as(APP, lambda: [each.path for each in read_unwritable(str(tmp_path))])

    assert found == ([str(tmp_path / name)] if is_found else [])
