"""The databases of the settings, by the vendor of their engine."""

import pytest
from django.conf import settings
from django.db import ConnectionHandler

from django_tandem.model import Database
from django_tandem.project import databases
from django_tandem.project.databases import read_databases


def read(monkeypatch: pytest.MonkeyPatch, **given: dict[str, str]) -> tuple[Database, ...]:
    monkeypatch.setattr(databases, "connections", ConnectionHandler(given))
    monkeypatch.setattr(settings, "DATABASES", given)
    return read_databases()


@pytest.mark.parametrize(
    ("engine", "vendor"),
    [
        ("django.db.backends.sqlite3", "sqlite"),
        ("django.db.backends.postgresql", "postgresql"),
        ("django_prometheus.db.backends.postgresql", "postgresql"),
        ("django.db.backends.oracle", "oracle"),
    ],
)
def test_the_vendor_is_that_of_the_engine(engine, vendor, monkeypatch) -> None:
    """Whichever package it is in; without its driver, its name stands for it."""
    (found,) = read(monkeypatch, default={"ENGINE": engine, "NAME": "shop"})

    assert found == Database(alias="default", vendor=vendor, name="shop")


@pytest.mark.parametrize(("host", "found"), [("db", "db"), ("/run/postgresql", ""), (None, "")])
def test_the_directory_of_a_socket_is_no_host(host, found, monkeypatch) -> None:
    """psycopg takes it for one."""
    engine = "django.db.backends.postgresql"

    (database,) = read(monkeypatch, default={"ENGINE": engine, "HOST": host})

    assert database.host == found


def test_a_project_without_databases_has_none(monkeypatch) -> None:
    """Django puts an engine there that serves no query."""
    assert read(monkeypatch, default={"ENGINE": "django.db.backends.dummy"}) == ()
