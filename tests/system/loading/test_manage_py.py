"""A project is loaded as its manage.py loads it: .env, sys.path, an importer, other settings."""

import json
import urllib.request
from pathlib import Path

import pytest

from harness import forking
from harness.stack import DEADLINE_S, Up, clean_environment, tandem

MANAGE = """
import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
{set_up}


def main():
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", {settings})
    from {module} import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
"""
DOTENV = """
for line in (HERE / ".env").read_text().splitlines():
    name, _, value = line.partition("=")
    os.environ.setdefault(name, value)
"""
SRC = 'sys.path.insert(0, str(HERE / "src"))'
SETTINGS = """
import os

SECRET_KEY = os.environ.get("SECRET", "x")
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "mysite.urls"
INSTALLED_APPS = ["django_tandem"]
TANDEM = {"WSGI": {"WORKERS": 1}, "MONITOR": False}
"""
URLS = """
import os

from django.http import HttpResponse
from django.urls import path


async def secret(request):
    return HttpResponse(os.environ["SECRET"])


urlpatterns = [path("secret/", secret)]
"""
CONFIGURATION = """
from configurations import Configuration


class Dev(Configuration):
    SECRET_KEY = "x"
    ROOT_URLCONF = "mysite.urls"
    INSTALLED_APPS = ["django_tandem"]
"""


@pytest.fixture
def make(tmp_path):
    def make(
        *,
        set_up: str = "",
        settings: str = SETTINGS,
        named: str = '"mysite.settings"',
        module: str = "django.core.management",
        package: str = "mysite",
    ) -> Path:
        """Write a project whose manage.py does ``set_up``."""
        manage = MANAGE.format(set_up=set_up, settings=named, module=module)
        (tmp_path / "manage.py").write_text(manage)
        (tmp_path / ".env").write_text("SECRET=from-dotenv\n")
        (tmp_path / package).mkdir(parents=True)
        (tmp_path / package / "__init__.py").touch()
        (tmp_path / package / "settings.py").write_text(settings)
        (tmp_path / package / "urls.py").write_text(URLS)
        return tmp_path

    return make


def _routes(directory: Path, *command: str, **environment: str) -> list[str]:
    argv = [*(command or ("-m", "django_tandem")), "plan", "--json"]
    done = forking.run(argv, directory, clean_environment() | environment, timeout_s=DEADLINE_S)
    assert done.returncode == 0, done.stderr
    return [route["route"] for route in json.loads(done.stdout)]


@pytest.mark.parametrize("command", [(), ("manage.py", "tandem")])
@pytest.mark.parametrize(
    "given",
    [
        {"set_up": DOTENV, "settings": SETTINGS + 'os.environ["SECRET"]\n'},
        {"set_up": SRC, "package": "src/mysite"},
        {"named": '"mysite." + "settings"'},
        {
            "settings": CONFIGURATION,
            "module": "configurations.management",
            "set_up": 'os.environ.setdefault("DJANGO_CONFIGURATION", "Dev")',
        },
    ],
    ids=["dotenv", "src", "computed", "configurations"],
)
def test_a_command_sees_what_manage_py_sets_up(make, given, command) -> None:
    """By tandem and by `manage.py tandem`."""
    assert _routes(make(**given), *command) == ["/secret/"]


def test_what_manage_py_prints_stays_out_of_the_json(make) -> None:
    """It goes to stderr."""
    assert _routes(make(set_up='print("Hello from manage.py")')) == ["/secret/"]


def test_the_settings_that_a_variable_chooses_are_those_of_manage_py(make) -> None:
    """The environment decides at run time, as for any other command."""
    directory = make(named='"mysite." + os.environ.get("STAGE", "missing")')

    assert _routes(directory, STAGE="settings") == ["/secret/"]


@pytest.mark.parametrize("command", [("-m", "django_tandem", "up"), ("manage.py", "tandem", "up")])
def test_the_served_processes_see_it_too(make, command, tmp_path) -> None:
    """Without a wsgi.py or asgi.py, which could do the same, they run manage.py's set-up."""
    directory = make(set_up=DOTENV + SRC, package="src/mysite")
    with Up(directory, command=command) as up:
        assert urllib.request.urlopen(f"{up.url}/secret/").read() == b"from-dotenv"

        # A value that the start had kept would outlive every change of the file.
        (directory / ".env").write_text("SECRET=changed\n")
        assert tandem(directory, "reload", "--wait").returncode == 0
        assert urllib.request.urlopen(f"{up.url}/secret/").read() == b"changed"


def test_a_manage_py_that_fails_is_named_with_a_true_hint(make) -> None:
    """The command in the hint shows the same traceback."""
    done = tandem(make(set_up="import nosuchmodule"), "plan")

    assert done.returncode == 2
    assert (
        done.stderr.splitlines()[-1]
        .strip()
        .endswith("`python manage.py check` shows the whole traceback.")
    )
    assert "manage.py can't be run: ModuleNotFoundError: No module named 'nosuchmodule'" in (
        done.stderr
    )


def test_without_a_manage_py_the_hint_names_none(make) -> None:
    """There is no `manage.py check` to run."""
    directory = make(settings="1 / 0\n")
    (directory / "manage.py").unlink()
    done = tandem(directory, "plan", "--settings", "mysite.settings")

    hint = "`python -c 'import mysite.settings'` shows the whole traceback."
    assert done.stderr.splitlines()[-1].strip().endswith(hint)


def test_a_manage_py_that_is_no_django_command_line_is_left(make) -> None:
    """It ends without reaching Django; the settings do alone."""
    assert _routes(make(set_up='if "tandem" in sys.argv: sys.exit(2)')) == ["/secret/"]
