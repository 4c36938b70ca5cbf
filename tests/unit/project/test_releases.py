"""Which symbolic links make a project a release, and where its run directory lies then."""

import tempfile
from pathlib import Path

import pytest

from django_tandem.project import releases
from django_tandem.runtime import lock, run_dir


@pytest.fixture
def short():
    """Make a directory whose path leaves room for sockets."""
    with tempfile.TemporaryDirectory(dir="/tmp") as directory:
        yield Path(directory)


def make(directory, project, link=None, target=None):
    """Make a project and a link in a deployment's directory."""
    (directory / project).mkdir(parents=True)
    if link:
        (directory / link).symlink_to(target or project)
    return directory / project


@pytest.mark.parametrize(
    ("project", "link", "target"),
    [
        ("app/releases/1", "app/current", "releases/1"),
        ("app/releases/1", "app/live", "releases/1"),
        ("app/releases/1/backend", "app/current", "releases/1"),
        ("app/releases/1/src/site", "app/current", "releases/1"),
        ("app/releases/1", "app/current", "releases/0"),
        ("app/versions/1", "app/versions/current", "1"),
        ("srv/shop-1.4", "srv/shop", "shop-1.4"),
    ],
)
def test_a_release_shares_the_run_directory_beside_its_link(project, link, target, short):
    """Whether its directory is named by the link or by itself, and before the link moves to it."""
    directory = make(short, project, link, target)

    found = run_dir.locate(str(directory), ".tandem")

    place = short / link
    assert found == place.with_name(f".tandem-{place.name}")
    assert run_dir.locate(str(directory), "/run/mine").as_posix() == "/run/mine"


@pytest.mark.parametrize(
    ("project", "link", "target"),
    [
        ("app/releases/1", None, None),
        ("home/projects/a", "home/favourite", "projects/b"),
        ("home/site", "home/other", "site"),
        ("data/site", "srv", "data"),
        ("test_x0", "test_xcurrent", "test_x0"),
    ],
)
def test_other_links_do_not_make_a_project_a_release(project, link, target, short):
    """Its run directory is its own."""
    directory = make(short, project, link, target)

    assert run_dir.locate(str(directory), ".tandem") == directory / ".tandem"


def test_a_stack_that_runs_in_the_project_stays_there(short):
    """A link that was made later does not hide it."""
    directory = make(short, "app/releases/1", "app/current", "releases/1")
    (directory / ".tandem").mkdir()
    handle = lock.take(directory / ".tandem")

    assert run_dir.locate(str(directory), ".tandem") == directory / ".tandem"

    lock.release(handle)
    assert run_dir.locate(str(directory), ".tandem") == short / "app" / ".tandem-current"


def test_a_link_in_a_directory_that_is_not_writable_is_ignored(short, monkeypatch):
    """The run directory can't be made there."""
    directory = make(short, "app/releases/1", "app/current", "releases/1")
    monkeypatch.setattr(releases.os, "access", lambda *_: False)

    assert run_dir.locate(str(directory), ".tandem") == directory / ".tandem"


def test_a_run_directory_that_root_has_made_there_is_used(short, monkeypatch):
    """Its user may not write beside it."""
    directory = make(short, "app/releases/1", "app/current", "releases/1")
    (short / "app" / ".tandem-current").mkdir()
    monkeypatch.setattr(run_dir.os, "access", lambda *_: False)

    assert run_dir.locate(str(directory), ".tandem") == short / "app" / ".tandem-current"
    assert run_dir.locate(str(directory), ".tandem", 54321) == directory / ".tandem"
