"""The files that name a project's packages, and the version of Python."""

import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.db import ConnectionHandler
from django.http import HttpResponse
from django.middleware.security import SecurityMiddleware
from django.test import RequestFactory, override_settings

from django_tandem.model import Database, Packaging
from django_tandem.project import deployment
from django_tandem.project.deployment import (
    SECURITY_MIDDLEWARE,
    read_databases,
    read_packaging,
    security_headers,
)

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"


def write(root: Path, **files: str) -> None:
    """Write files, whose names have underscores for dots."""
    for name, text in files.items():
        (root / name.replace("_", ".")).write_text(text)


def test_a_project_without_any_has_none(tmp_path) -> None:
    """There is nothing to install packages from."""
    assert read_packaging(tmp_path) is None


@pytest.mark.parametrize(
    ("names", "files"),
    [
        (["requirements.txt"], ("requirements.txt",)),
        (["pyproject.toml"], ("pyproject.toml",)),
        (["requirements.txt", "pyproject.toml"], ("requirements.txt",)),
        (["uv.lock", "pyproject.toml", "requirements.txt"], ("uv.lock", "pyproject.toml")),
        (["poetry.lock", "pyproject.toml"], ("poetry.lock", "pyproject.toml")),
        (["pdm.lock", "pyproject.toml"], ("pdm.lock", "pyproject.toml")),
        (["Pipfile.lock", "Pipfile"], ("Pipfile.lock", "Pipfile")),
    ],
)
def test_a_lock_file_takes_precedence(names, files, tmp_path) -> None:
    """It has exact versions; it is read with the file that it was made from."""
    for name in names:
        (tmp_path / name).touch()

    assert read_packaging(tmp_path) == Packaging(root=str(tmp_path), files=files, python=HERE)


def test_requirements_have_the_files_that_they_include(tmp_path) -> None:
    """Those of these too, but none outside of the project, and each once."""
    (tmp_path / "requirements").mkdir()
    write(tmp_path, requirements_txt="-r requirements/base.txt\n-c /etc/pins.txt\n-r none.txt\n")
    write(tmp_path / "requirements", base_txt="--requirement=more.txt\n-c ../constraints.txt\n")
    write(tmp_path / "requirements", more_txt="-r base.txt\ndjango\n")
    write(tmp_path, constraints_txt="")

    found = read_packaging(tmp_path)

    assert found
    assert found.files == (
        "requirements.txt",
        "requirements/base.txt",
        "requirements/more.txt",
        "constraints.txt",
    )


def test_they_may_be_above_the_directory_of_manage_py(tmp_path) -> None:
    """As in a project whose code is in src/."""
    (tmp_path / "src").mkdir()
    write(tmp_path, requirements_txt="")

    found = read_packaging(tmp_path / "src")

    assert found
    assert found.root == str(tmp_path)


def test_nothing_above_the_repository_is_read(tmp_path) -> None:
    """Other repositories may lie beside it."""
    (tmp_path / "site" / ".git").mkdir(parents=True)
    write(tmp_path, requirements_txt="")

    assert read_packaging(tmp_path / "site") is None


@pytest.mark.parametrize(
    ("pinned", "python"), [("3.13\n", "3.13"), ("3.12.4\n", "3.12"), ("pypy\n", HERE)]
)
def test_python_is_the_version_that_the_project_pins(pinned, python, tmp_path) -> None:
    """By .python-version, where that has a number."""
    write(tmp_path, requirements_txt="")
    (tmp_path / ".python-version").write_text(pinned)

    found = read_packaging(tmp_path)

    assert found
    assert found.python == python


def read(monkeypatch: pytest.MonkeyPatch, **given: dict[str, str]) -> tuple[Database, ...]:
    monkeypatch.setattr(deployment, "connections", ConnectionHandler(given))
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


SETTINGS = [
    {},
    {"SECURE_HSTS_SECONDS": 60},
    {"SECURE_HSTS_SECONDS": 60, "SECURE_HSTS_INCLUDE_SUBDOMAINS": True},
    {"SECURE_HSTS_SECONDS": 60, "SECURE_HSTS_PRELOAD": True},
    {"SECURE_REFERRER_POLICY": "origin, same-origin"},
    {"SECURE_REFERRER_POLICY": ["no-referrer", "origin"]},
    {"SECURE_REFERRER_POLICY": None},
    {"SECURE_CROSS_ORIGIN_OPENER_POLICY": "unsafe-none"},
    {"SECURE_CROSS_ORIGIN_OPENER_POLICY": None},
]


@pytest.mark.parametrize("given", SETTINGS, ids=str)
def test_they_are_those_of_the_middleware(given) -> None:
    """On a request by HTTPS; the edge sends X-Content-Type-Options in any case."""
    with override_settings(MIDDLEWARE=[SECURITY_MIDDLEWARE], **given):
        page = SecurityMiddleware(lambda _request: HttpResponse())(
            RequestFactory().get("/", secure=True)
        )
        found = dict(security_headers())

    ours = {"Content-Type", "X-Content-Type-Options"}
    assert found == {name: value for name, value in page.headers.items() if name not in ours}


def test_without_the_middleware_there_are_none() -> None:
    """The settings alone have no effect."""
    with override_settings(MIDDLEWARE=[], SECURE_HSTS_SECONDS=60):
        assert security_headers() == ()
