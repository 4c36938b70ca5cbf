"""A user that can't write where the project does."""

import os

import oracle.configured  # noqa: F401 - Django, for its settings
import pytest
from checks.gathered import facts
from checks.messages import contents
from django.conf import settings as django_settings
from django.db import connections

from django_tandem.checks.facts import Unwritable
from django_tandem.checks.permissions import (
    database_is_writable,
    media_root_is_writable,
    read_unwritable,
)
from django_tandem.runtime import accounts
from django_tandem.runtime.privileges import call_as

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
    assert media_root_is_writable(found) == []


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
    assert database_is_writable(found) == []


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
