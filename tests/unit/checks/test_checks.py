"""An error of the checks stops `tandem up` and `manage.py check`, and no other command."""

import json
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from checks.managing import found, in_memory, installed, manage

from django_tandem import checks
from harness.projects import startproject
from harness.stack import clean_environment, free_port, tandem

pytestmark = pytest.mark.processes

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "reference" / "checks.md"

E003 = (
    'CHANNEL_LAYERS: (tandem.E003) CHANNEL_LAYERS["default"]["BACKEND"] is '
    '"channels.layers.InMemoryChannelLayer", which keeps messages in one process: messages that '
    "mysite.urls sends on WSGI never reach a WebSocket.\n"
    '\tHINT: Use "channels_redis.core.RedisChannelLayer" with '
    '{"hosts": [{"address": os.environ["REDIS_URL"], "socket_timeout": None}]}. '
    '`tandem up` sets REDIS_URL when it is not set and "django-tandem[bundled]" is installed.\n'
)
REDIS_URL = {"REDIS_URL": "redis://127.0.0.1:1"}


def test_up_refuses_to_start_for_an_error(tmp_path) -> None:
    """It prints the findings and the refusal, and exits with 1."""
    done = tandem(in_memory(tmp_path), "up", "--bind", "127.0.0.1:1")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"{E003}Not started. Fix these errors first: tandem.E003.\n"
        "  A check that is wrong about your project can be silenced in SILENCED_SYSTEM_CHECKS.\n"
    )
    assert not (tmp_path / ".tandem" / "nginx.conf").exists()


def test_a_silenced_check_is_not_printed(tmp_path) -> None:
    """`up` goes on to its next refusal, and `check` counts it."""
    project = in_memory(tmp_path, 'SILENCED_SYSTEM_CHECKS = ["tandem.E003"]\n')
    with socket.create_server(("127.0.0.1", 0)) as taken:
        bind = f"127.0.0.1:{taken.getsockname()[1]}"
        up = tandem(project, "up", "--bind", bind)
    check = manage(project, "check", **REDIS_URL)

    assert (up.returncode, found(up)) == (2, [])
    assert f"{bind} is in use by another program.\n" in up.stderr
    assert (check.returncode, check.stdout) == (
        0,
        "System check identified no issues (1 silenced).\n",
    )


@pytest.mark.parametrize("args", [["migrate", "--plan"], ["test"], ["shell", "-c", "pass"]])
def test_an_error_stops_no_other_command(args, tmp_path) -> None:
    """Django runs the checks before many of them; there our errors are warnings."""
    done = manage(in_memory(tmp_path), *args, **REDIS_URL)

    assert done.returncode == 0, done.stderr
    assert "ERRORS" not in done.stderr


def test_check_shows_them_by_their_tag(tmp_path) -> None:
    """`--tag tandem` runs ours alone, and an error is an error."""
    done = manage(in_memory(tmp_path), "check", "--tag", "tandem", **REDIS_URL)

    assert done.returncode == 1
    assert f"ERRORS:\n{E003}" in done.stderr


RUN_CHECKS = """
from django.core.checks import run_checks
from django.core.management import call_command

print(*sorted(message.id for message in run_checks() if message.id.startswith("tandem.")))
call_command("check")
"""


def test_code_that_runs_the_checks_gets_them_from_any_directory(tmp_path) -> None:
    """By run_checks() and by call_command(), with any command line and directory."""
    project, elsewhere = tmp_path / "project", tmp_path / "elsewhere"
    project.mkdir()
    elsewhere.mkdir()
    in_memory(project)
    done = subprocess.run(
        [sys.executable, "-c", f"import django; django.setup(){RUN_CHECKS}"],
        cwd=elsewhere,
        env=clean_environment()
        | REDIS_URL
        | {"PYTHONPATH": str(project), "DJANGO_SETTINGS_MODULE": "mysite.settings"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.splitlines()[0] == "tandem.E003"
    assert f"WARNINGS:\n{E003}" in done.stderr


def test_a_urlconf_that_can_not_be_imported_is_left_to_django(tmp_path) -> None:
    """Its own checks raise the error with its traceback."""
    done = manage(installed(tmp_path, urls="import nothing_here\n"), "check")

    assert done.returncode == 1
    assert done.stderr.endswith("ModuleNotFoundError: No module named 'nothing_here'\n")
    assert "ProjectError" not in done.stderr


CONFIGURED = """
import django
from django.conf import settings
from django.core.checks import run_checks

settings.configure(INSTALLED_APPS=["django_tandem"])
django.setup()
print(run_checks())
"""


def test_settings_without_a_urlconf_are_no_project_to_serve(tmp_path) -> None:
    """As in the tests of a reusable app."""
    done = subprocess.run(
        [sys.executable, "-c", CONFIGURED],
        cwd=tmp_path,
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == "[]\n"


def test_tandem_check_judges_the_plan_of_its_options(tmp_path) -> None:
    """With --asgi a Daphne serves, so its version counts."""
    project = startproject(tmp_path)
    settings = project / "mysite" / "settings.py"
    settings.write_text(f'{settings.read_text()}TANDEM = {{"ASGI": {{"SERVER": "daphne"}}}}\n')
    old = tmp_path / "old" / "daphne-4.1.0.dist-info"
    old.mkdir(parents=True)
    (old / "METADATA").write_text("Metadata-Version: 2.1\nName: daphne\nVersion: 4.1.0\n")
    on_path = {"PYTHONPATH": str(old.parent)}

    bind = ("--bind", f"127.0.0.1:{free_port()}")
    plain = tandem(project, "check", "--json", *bind, **on_path)
    forced = tandem(project, "check", "--asgi", "--json", *bind, **on_path)

    assert (plain.returncode, _warnings(plain.stdout)) == (0, [])
    assert (forced.returncode, _warnings(forced.stdout)) == (
        0,
        [
            {
                "id": "tandem.W014",
                "level": "warning",
                "object": "daphne",
                "message": "daphne 4.1.0 is installed, and Daphne before 4.2.2 has two known "
                "vulnerabilities (CVEs 44545 and 44546).",
                "hint": 'Run pip install "daphne>=4.2.2".',
            }
        ],
    )


def _warnings(output: str) -> list[dict[str, str]]:
    return [found for found in json.loads(output) if found["level"] == "warning"]


def _in(directory: Path) -> set[str]:
    text = "".join(path.read_text() for path in directory.glob("*.py"))
    return set(re.findall(r"\b(?:tandem\.)?([EIW]0\d\d)\b", text))


def test_the_page_describes_every_check_and_no_other() -> None:
    """Each under its own heading, errors before warnings, sorted by id."""
    described = re.findall(r"^### tandem\.([EIW]\d{3})\b", PAGE.read_text(), re.MULTILINE)

    assert described == sorted({*_in(Path(checks.__file__).parent), "I001", "I002"})


def test_every_check_has_a_test() -> None:
    """Its id is in a test of this directory."""
    assert _in(Path(__file__).parent) >= _in(Path(checks.__file__).parent)
