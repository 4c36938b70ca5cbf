"""`tandem up` lists unapplied migrations, as runserver does."""

import socket

import pytest
from checks.managing import installed, manage

from harness.stack import tandem

pytestmark = pytest.mark.processes

SILENT_DATABASE = """
DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "HOST": "127.0.0.1",
    "PORT": %d, "NAME": "shop", "USER": "shop", "PASSWORD": "shop"}}
"""


@pytest.fixture
def taken():
    """An address that is in use, so that a start ends before it starts anything."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


def test_unapplied_migrations_are_listed_until_they_are_applied(taken, tmp_path) -> None:
    """A database file that does not exist is not made for it."""
    project = installed(tmp_path)
    before = tandem(project, "up", "--bind", taken)
    exists = (project / "db.sqlite3").exists()
    manage(project, "migrate")
    after = tandem(project, "up", "--bind", taken)

    assert not exists
    assert (
        " unapplied migrations, in admin, auth, contenttypes, sessions. "
        "Run `python manage.py migrate`.\n"
    ) in before.stderr
    assert "unapplied" not in after.stderr
    assert f"{taken} is in use by another program.\n" in after.stderr


def test_a_database_that_does_not_answer_delays_no_start(taken, tmp_path) -> None:
    """It may come up later than this stack."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        project = installed(tmp_path, SILENT_DATABASE % silent.getsockname()[1])
        done = tandem(project, "up", "--bind", taken)

    assert "unapplied" not in done.stderr
    assert f"{taken} is in use by another program.\n" in done.stderr
