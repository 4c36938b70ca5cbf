"""The probes learn of unapplied migrations, and no database holds up the worker that reads them."""

import threading
import time

import pytest
from django.db import ConnectionHandler

from django_tandem.inprocess import migrations
from django_tandem.inprocess.migrations import UNREAD, UNREADABLE, MigrationCheck, describe


@pytest.mark.parametrize(
    ("apps", "sentence"),
    [
        ([], ""),
        (["shop"], "1 is unapplied, in shop."),
        (["auth", "shop", "auth"], "3 are unapplied, in auth, shop."),
    ],
)
def test_they_are_counted(apps, sentence) -> None:
    """With each app once."""
    assert describe(apps) == sentence


def test_they_are_read_again_until_they_are_applied(monkeypatch) -> None:
    """And then no more."""
    monkeypatch.setattr(migrations, "FRESH_S", 0)
    results = [["shop"], []]
    check = MigrationCheck(lambda: results.pop(0))

    assert check.why_unapplied() == "1 is unapplied, in shop."
    assert check.why_unapplied() == ""
    assert check.why_unapplied() == ""


def test_they_are_read_once_in_two_seconds() -> None:
    """However often a probe is requested."""
    reads = []
    check = MigrationCheck(lambda: reads.append(1) or ["shop"])

    for _ in range(5):
        assert check.why_unapplied() == "1 is unapplied, in shop."

    assert len(reads) == 1


def test_a_database_that_does_not_answer_holds_up_nobody(monkeypatch) -> None:
    """The next request finds the result; meanwhile a single thread waits."""
    monkeypatch.setattr(migrations, "WAIT_S", 0.05)
    may_answer, reads = threading.Event(), []

    def read() -> list[str]:
        reads.append(1)
        may_answer.wait(10)
        return []

    check = MigrationCheck(read)
    began = time.monotonic()
    assert [check.why_unapplied() for _ in range(3)] == [UNREAD] * 3
    assert time.monotonic() - began < 5
    assert len(reads) == 1

    may_answer.set()
    monkeypatch.setattr(migrations, "WAIT_S", 10)
    assert check.why_unapplied() == ""


def test_a_project_without_a_database_has_none(monkeypatch) -> None:
    """Django puts a backend in its place that raises at each query."""
    monkeypatch.setattr(migrations, "connections", ConnectionHandler({}))

    assert migrations.unapplied_apps() == []


def test_an_error_is_logged_once(monkeypatch, caplog) -> None:
    """The probe does not repeat it: it may name a host and a user."""
    monkeypatch.setattr(migrations, "FRESH_S", 0)

    def read() -> list[str]:
        raise ConnectionError("no route to db.internal")

    check = MigrationCheck(read)

    assert [check.why_unapplied() for _ in range(3)] == [UNREADABLE] * 3
    assert [each.getMessage() for each in caplog.records] == [
        "The migrations can't be read: no route to db.internal"
    ]
