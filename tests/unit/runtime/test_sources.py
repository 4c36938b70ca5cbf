"""What changes the code that is served, and what only lies beside it."""

from pathlib import Path

import pytest

from django_tandem.runtime.sources import Sources

PROJECT = Path("/srv/.venv/node_modules/shop")
SOURCES = Sources(
    directory=PROJECT, ignored=(PROJECT / ".tandem", PROJECT / "media", PROJECT / "venv")
)


@pytest.mark.parametrize(
    "path",
    [
        "manage.py",
        "shop/views.py",
        "shop/settings/local.py",
        "shop/templates/shop/index.html",
        "shop/templates/mail/welcome.txt",
        "shop/jinja2/sitemap.xml",
        "pages/about.html",
        "locale/de/LC_MESSAGES/django.mo",
        "schema.graphql",
        ".env",
        ".env.local",
        "deploy/prod.env",
        "config.toml",
        "media_library/models.py",
        "virtual/environment.py",
    ],
)
def test_what_is_served_is_worth_a_reload(path) -> None:
    """Code, templates by any name, translations and the files that settings are read from."""
    assert SOURCES.has(PROJECT / path)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "db.sqlite3",
        "db.sqlite3-journal",
        "db.sqlite3-wal",
        "debug.log",
        "shop/__pycache__/views.cpython-311.pyc",
        "shop/__pycache__/views.py",
        ".git/index.lock",
        ".git/hooks/hook.py",
        ".tandem/state.json",
        ".tandem/templates/x.html",
        "media/uploads/page.html",
        "venv/lib/python3.11/site-packages/django/apps.py",
        "lib/site-packages/django/apps.py",
        "frontend/node_modules/x/y.html",
        "static/shop/style.css",
        "README.md",
        # What editors write while a file is open.
        "shop/.views.py.swp",
        "shop/.#views.py",
        "shop/#views.py#",
        "shop/views.py~",
        "shop/templates/index.html~",
        "shop/flycheck_views.py",
        "shop/views.py___jb_tmp___",
        "shop/templates/4913",
    ],
)
def test_what_lies_beside_is_not(path) -> None:
    """Databases, logs, caches, uploads, installed packages, and what an editor keeps."""
    assert not SOURCES.has(PROJECT / path)


def test_a_root_that_holds_the_project_does_not_hide_it() -> None:
    """A MEDIA_ROOT that is the project, or above it, is overlooked."""
    for root in (PROJECT, PROJECT.parent):
        assert Sources(directory=PROJECT, ignored=(root,)).has(PROJECT / "shop/views.py")
