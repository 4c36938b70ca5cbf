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
    """Whether the link or its own path names its directory, and before the link moves to it."""
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


@pytest.fixture
def deployed(short):
    """Make two releases, each with its interpreter; the second one is live."""
    for number in ("1", "2"):
        make_python(make(short, f"releases/{number}") / ".venv")
    (short / "current").symlink_to("releases/2")
    return short


def make_python(venv):
    """Make a program in place of an interpreter."""
    (venv / "bin").mkdir(parents=True)
    (venv / "bin" / "python").touch(mode=0o755)
    return venv / "bin" / "python"


def test_another_release_has_an_interpreter_of_its_own(deployed):
    """At the same path; the release's own one is kept."""
    old, new = (deployed / "releases" / number / ".venv/bin/python" for number in ("1", "2"))

    assert releases.own_python(deployed / "current", old) == new
    assert releases.own_python(deployed / "current", new) is None
    assert releases.own_python(deployed / "releases" / "1", new) == old


def test_an_interpreter_outside_the_releases_is_kept(deployed):
    """One for all of them is no release's."""
    shared = make_python(deployed / "venv")
    (deployed / "releases" / "3").mkdir()
    (deployed / "releases" / "3" / ".venv").symlink_to("../1/.venv")

    old = deployed / "releases" / "1" / ".venv" / "bin" / "python"
    assert releases.own_python(deployed / "current", shared) is None
    assert releases.own_python(deployed / "releases" / "3", old) is None
    assert releases.own_python(make(deployed, "other"), old) is None


def test_a_shell_in_an_old_release_is_in_the_live_one(deployed):
    """Its PWD is the link, and the kernel keeps what the link led to."""
    old, current = deployed / "releases" / "1", deployed / "current"

    assert releases.live_directory(old, str(current)) == current
    assert releases.live_directory(old, str(old)) == old
    assert releases.live_directory(old, "") == old
    assert releases.live_directory(old, str(make(deployed, "elsewhere"))) == old
    assert releases.live_directory(old, str(deployed / "gone")) == old
