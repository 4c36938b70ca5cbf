"""The project is found by --settings, else the environment, else manage.py."""

import pytest

from django_tandem.environment import SETTINGS_MODULE
from django_tandem.errors import ProjectError
from django_tandem.project.location import find, settings_named_in

MANAGE = """
import os
import sys

def main():
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    raise SystemExit("it must not be run")
"""


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch) -> None:
    monkeypatch.delenv(SETTINGS_MODULE, raising=False)


@pytest.fixture
def directory(tmp_path):
    (tmp_path / "manage.py").write_text(MANAGE)
    (tmp_path / "below").mkdir()
    return tmp_path


def test_manage_py_names_the_settings_without_being_run(directory) -> None:
    """From its own directory, or from one below."""
    for start in (directory, directory / "below"):
        found = find(None, start)
        assert (found.directory, found.settings_module) == (directory, "config.settings")


def test_the_environment_goes_before_and_the_option_before_that(directory, monkeypatch) -> None:
    """As Django's own commands have it."""
    monkeypatch.setenv(SETTINGS_MODULE, "config.production")

    assert find(None, directory).settings_module == "config.production"
    assert find("config.test", directory).settings_module == "config.test"


def test_without_manage_py_the_settings_module_is_enough(tmp_path) -> None:
    """Then the project is where one stands."""
    found = find("config.settings", tmp_path)

    assert found.directory == tmp_path


def test_a_missing_project_is_an_error_that_names_the_directory(tmp_path) -> None:
    """And what to do about it."""
    with pytest.raises(ProjectError) as caught:
        find(None, tmp_path)

    assert str(caught.value) == (
        f"There is no Django project in {tmp_path}, nor above it: no manage.py was found.\n"
        "  Change to the directory of manage.py, or give --settings or DJANGO_SETTINGS_MODULE."
    )


def test_projects_one_directory_below_are_named(tmp_path) -> None:
    """As in a repository with several parts."""
    for name in ("shop", "backend", "frontend"):
        (tmp_path / name).mkdir()
    for name in ("shop", "backend"):
        (tmp_path / name / "manage.py").touch()
    with pytest.raises(ProjectError) as caught:
        find(None, tmp_path)

    assert str(caught.value) == (
        f"There is no Django project in {tmp_path}, nor above it: no manage.py was found.\n"
        "  Change to backend or shop, which has one, or give --settings or DJANGO_SETTINGS_MODULE."
    )


def test_a_manage_py_that_names_no_settings_is_an_error(tmp_path) -> None:
    """Its author sets them some other way."""
    (tmp_path / "manage.py").write_text("print('hello')\n")

    with pytest.raises(ProjectError, match="names no settings module"):
        find(None, tmp_path)


@pytest.mark.parametrize(
    "source",
    [
        'import os\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")\n',
        'from os import environ\nenviron["DJANGO_SETTINGS_MODULE"] = "config.settings"\n',
        'def main():\n    os.putenv("DJANGO_SETTINGS_MODULE", "config.settings")\n    exit(1)\n',
    ],
)
def test_the_settings_are_read_however_they_are_written(source, tmp_path) -> None:
    """As a default, outright, or inside a function."""
    file = tmp_path / "wsgi.py"
    file.write_text(source)

    assert settings_named_in(file) == "config.settings"


@pytest.mark.parametrize(
    "source",
    [
        "",
        'os.environ.setdefault("DJANGO_SETTINGS_MODULE", NAME)\n',
        'os.environ["DJANGO_SETTINGS_MODULE"] = f"config.{STAGE}"\n',
        'os.environ.setdefault("DJANGO_CONFIGURATION", "Production")\n',
        "this is no Python\n",
        "\0",
    ],
)
def test_what_is_not_written_out_is_not_guessed_at(source, tmp_path) -> None:
    """Neither is a file that can't be read."""
    file = tmp_path / "wsgi.py"
    file.write_text(source)

    assert settings_named_in(file) is None
    assert settings_named_in(tmp_path / "no-such.py") is None


def test_the_variables_that_manage_py_sets_are_known(directory, monkeypatch) -> None:
    """The servers, which import asgi.py, may lack them."""
    monkeypatch.setenv("ITS_OWN", "before")
    (directory / "manage.py").write_text(
        "import os\n"
        'os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")\n'
        'os.environ["ITS_OWN"] = os.environ["ITS_KEY"] = "x"\n'
    )

    found = find(None, directory)
    monkeypatch.delenv("ITS_KEY")

    assert found.manage_py_sets == ("ITS_KEY",)
