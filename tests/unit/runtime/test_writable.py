"""The code of a project that another user than root may write."""

import os
from pathlib import Path

import pytest

from django_tandem.runtime.writable import code_of, find_writable, is_below_writable

OTHER = 54321

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")


@pytest.fixture
def project(tmp_path) -> Path:
    """A project with a package, a package in a directory that is none, and uploads."""
    for name in ("mysite", "apps/blog"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "__init__.py").touch()
    (tmp_path / "mysite" / "__pycache__").mkdir()
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "settings.py").touch()
    (tmp_path / "media").mkdir()
    return tmp_path


def found_in(project: Path) -> tuple[Path, int | None, str] | None:
    found = find_writable(code_of(project, "config.settings"))
    return found and (found.path, found.owner, found.by)


def test_a_project_of_roots_below_a_sticky_directory_is_roots_alone(project) -> None:
    """As below /tmp; nor do uploads of the user who runs it count."""
    os.chown(project / "media", OTHER, OTHER)

    assert found_in(project) is None


@pytest.mark.parametrize(
    "name",
    [
        "mysite",
        "mysite/__init__.py",
        "mysite/__pycache__",
        "apps",
        "apps/blog",
        "config",
        "config/settings.py",
    ],
)
def test_code_of_another_user_is_found(name, project) -> None:
    """Compiled modules and the settings' own directory included."""
    os.chown(project / name, OTHER, OTHER)

    assert found_in(project) == (project / name, OTHER, "its owner")


def test_what_a_group_or_everyone_may_write_is_found_first(project) -> None:
    """A sticky directory of code too: others may add a module to it."""
    os.chown(project / "apps", OTHER, OTHER)
    (project / "mysite").chmod(0o1777)

    assert found_in(project) == (project / "mysite", None, "every user")

    (project / "mysite").chmod(0o775)

    assert found_in(project) == (project / "mysite", None, "group root")


def test_a_symbolic_link_counts_with_the_way_to_its_target(project) -> None:
    """Whoever may write above the target may replace it."""
    (project / "home" / "site").mkdir(parents=True)
    (project / "home" / "site" / "__init__.py").touch()
    os.chown(project / "home", OTHER, OTHER)
    (project / "site").symlink_to("home/site")

    found = find_writable([project / "site"])

    assert found is not None
    assert (found.path, found.owner) == (project / "home", OTHER)
    assert is_below_writable(project / "site")
    assert not is_below_writable(project / "mysite")


@pytest.mark.parametrize("name", ["new.env", "none/new.env", "link.env"])
def test_a_path_that_does_not_exist_counts_by_who_may_create_it(name, project) -> None:
    """Below a directory of another user, or a sticky one, as a path or as a link's target."""
    uploads = project / "media"
    (uploads / "link.env").symlink_to("none/new.env")
    assert find_writable([uploads / name]) is None

    uploads.chmod(0o1777)
    found = find_writable([uploads / name])

    assert found is not None
    assert (found.path, found.by) == (uploads, "every user")
