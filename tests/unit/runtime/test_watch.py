"""Which files reload the stack when they change, and how a change is reported."""

from pathlib import Path

import pytest

from django_tandem.runtime.watch import Sources, format_changes

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
def test_a_source_file_reloads_the_stack(path) -> None:
    """Code, templates by any name, translations, and files that settings are read from."""
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
def test_other_files_do_not_reload_the_stack(path) -> None:
    """Databases, logs, caches, uploads, installed packages and editors' own files."""
    assert not SOURCES.has(PROJECT / path)


def test_an_ignored_directory_above_the_project_has_no_effect() -> None:
    """A MEDIA_ROOT that is the project, or above it, would ignore all of the code."""
    for root in (PROJECT, PROJECT.parent):
        assert Sources(directory=PROJECT, ignored=(root,)).has(PROJECT / "shop/views.py")


def test_a_change_names_the_first_files_and_counts_the_others() -> None:
    """In one line."""
    assert format_changes([Path("shop/views.py")]) == "changed: shop/views.py; reloading"
    assert (
        format_changes([Path(name) for name in ("a.py", "b.py", "c.py", "d.py", "e.py")])
        == "changed: a.py, b.py, c.py and 2 more; reloading"
    )
