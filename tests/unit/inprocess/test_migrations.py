"""The probes learn of unapplied migrations, and no database holds up the worker that reads them."""

import threading
import time

import pytest
from django.db import ConnectionHandler

from django_tandem.inprocess import migrations
from django_tandem.inprocess.migrations import UNREADABLE, MigrationCheck, describe
from django_tandem.model.readiness import MIGRATIONS_UNREAD


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


def why_unapplied_once_it_is(check: MigrationCheck, reason: str) -> str:
    """Return the reason once a later read has found it, or another one after ten seconds."""
    deadline = time.monotonic() + 10
    while (found := check.why_unapplied()) != reason and time.monotonic() < deadline:
        time.sleep(0.01)
    return found


def test_they_are_read_again_until_they_are_applied(monkeypatch) -> None:
    """And then no more."""
    monkeypatch.setattr(migrations, "FRESH_S", 0)
    results = [["shop"], []]
    check = MigrationCheck(lambda: results.pop(0))

    assert check.why_unapplied() == "1 is unapplied, in shop."
    assert why_unapplied_once_it_is(check, "") == ""
    assert check.why_unapplied() == ""


def test_they_are_read_once_in_two_seconds() -> None:
    """However often a probe is requested."""
    reads = []
    check = MigrationCheck(lambda: reads.append(1) or ["shop"])

    for _ in range(5):
        assert check.why_unapplied() == "1 is unapplied, in shop."

    assert len(reads) == 1


def test_a_database_that_does_not_answer_holds_up_one_request(monkeypatch) -> None:
    """A later request finds the result; meanwhile a single thread waits."""
    monkeypatch.setattr(migrations, "WAIT_S", 0.5)
    may_answer, reads = threading.Event(), []

    def read() -> list[str]:
        reads.append(1)
        may_answer.wait(30)
        return []

    check = MigrationCheck(read)
    began = time.monotonic()
    assert [check.why_unapplied() for _ in range(20)] == [MIGRATIONS_UNREAD] * 20
    assert time.monotonic() - began < 5
    assert len(reads) == 1

    may_answer.set()
    assert why_unapplied_once_it_is(check, "") == ""


def test_a_database_that_hangs_later_holds_up_no_request(monkeypatch) -> None:
    """Meanwhile its last answer counts."""
    monkeypatch.setattr(migrations, "FRESH_S", 0)
    monkeypatch.setattr(migrations, "WAIT_S", 30)
    may_answer, results = threading.Event(), [["shop"]]

    def read() -> list[str]:
        if not results:
            may_answer.wait(60)
        return results.pop() if results else []

    check = MigrationCheck(read)
    began = time.monotonic()
    assert {check.why_unapplied() for _ in range(3)} == {"1 is unapplied, in shop."}
    assert time.monotonic() - began < 15
    may_answer.set()


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
