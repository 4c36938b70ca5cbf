"""ENV_FILE: its variables are set before the settings are imported."""

import os
from pathlib import Path

import pytest

from harness.projects import startproject
from harness.stack import free_port, tandem

pytestmark = pytest.mark.processes

# As many projects read what must be secret; without it their settings can't be imported.
NEEDS = 'import os\n\nSECRET_KEY = os.environ["SITE_SECRET"]\nTANDEM = {"ENV_FILE": %s}\n'
OFFERS = 'import os\n\nSECRET_KEY = os.environ.get("SITE_SECRET", "")\nTANDEM = {"ENV_FILE": %s}\n'


@pytest.fixture
def project(tmp_path) -> Path:
    """A project whose files of variables are beside manage.py."""
    startproject(tmp_path)
    (tmp_path / ".env").write_text("SITE_SECRET=c2VjcmV0\n")
    return tmp_path


def add(project: Path, text: str) -> None:
    settings = project / "mysite" / "settings.py"
    kept = settings.read_text().partition("\nSECRET_KEY")
    settings.write_text(kept[0] + "\nSECRET_KEY" + kept[2] + "\n" + text)


@pytest.mark.parametrize(
    "text",
    [
        NEEDS % '".env"',
        NEEDS % '[BASE_DIR / ".env", "-more.env"]',
        OFFERS % 'str(BASE_DIR) + "/.env"',
    ],
    ids=["a name", "below BASE_DIR", "an expression"],
)
def test_the_settings_are_imported_with_the_variables_that_they_name(project, text) -> None:
    """Django refuses to be set up with an empty SECRET_KEY."""
    add(project, text)
    done = tandem(project, "plan", "--json")

    assert (done.returncode, done.stderr) == (0, "")
    assert "c2VjcmV0" not in done.stdout


def test_a_command_line_and_the_environment_may_name_the_files(project) -> None:
    """Relative to the working directory; they may name the settings module too."""
    add(project, NEEDS % 'os.environ["SITE_ENV"]')
    (project / "manage.py").unlink()
    more = project / "more.env"
    more.write_text("SITE_ENV=none\nDJANGO_SETTINGS_MODULE=mysite.settings\n")

    # Another program may listen on the default one.
    bind = f"--bind=127.0.0.1:{free_port()}"
    given = ("--env-file", ".env", "--env-file=more.env", bind)
    assert tandem(project, "check", *given).returncode == 0
    assert tandem(project, "plan", TANDEM_ENV_FILE=f".env:{more}").returncode == 0


def test_the_hint_for_a_missing_file_of_a_command_line_is_a_command(project, tmp_path) -> None:
    """argparse would take a dash after a space for another option."""
    missing = tmp_path / "none.env"
    done = tandem(project, "plan", "--env-file", str(missing))
    option = f"--env-file=-{missing}"

    assert done.returncode == 2
    assert done.stderr.splitlines()[0] == f"The environment file {missing} does not exist."
    assert f"`{option}`" in done.stderr
    assert tandem(project, "plan", option).returncode == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            None,
            "The environment file {0}/.env does not exist.\n"
            "  Create it. Where it may be missing, put a dash before its path: "
            '"-{0}/.env" in TANDEM["ENV_FILE"], or `--env-file=-{0}/.env`.\n',
        ),
        (
            "SITE_SECRET='c2VjcmV0",
            "{0}/.env, line 1 has a quote that is not closed.\n"
            "  Close it, or put the value into the other kind of quotes.\n",
        ),
    ],
    ids=["missing", "a mistake"],
)
@pytest.mark.parametrize("command", ["plan", "render nginx", "up", "check"])
def test_a_file_that_cannot_be_read_is_a_sentence(project, command, text, message) -> None:
    """Before anything of the project is imported."""
    add(project, NEEDS % '".env"')
    (project / ".env").unlink()
    if text:
        (project / ".env").write_text(text)
    done = tandem(project, *command.split())

    assert (done.returncode, done.stderr) == (2, message.format(project))


def test_settings_that_fail_for_want_of_the_files_have_a_hint(project) -> None:
    """Their name is known only once the settings are imported."""
    add(project, NEEDS % "str(BASE_DIR.joinpath('.env'))")
    done = tandem(project, "plan")

    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == (
        "  If the variables of ENV_FILE are missing, name the file with `--env-file`."
    )


def test_a_path_with_a_colon_is_an_error(project) -> None:
    """TANDEM_ENV_FILE separates paths by colons."""
    add(project, OFFERS % '"a:b"')
    done = tandem(project, "plan")

    assert (done.returncode, done.stderr) == (
        2,
        f"The path of the environment file {project}/a:b has a colon, which separates paths.\n"
        "  Give it another name.\n",
    )


def test_root_reads_no_file_that_others_may_write(project) -> None:
    """By PYTHONPATH, for one, whoever may write it would run code as root."""
    add(project, OFFERS % '".env"')
    file = project / ".env"
    file.chmod(0o666)
    done = tandem(project, "plan")

    refused = (
        2,
        f"root does not read the environment file {file}: {file} is writable for every user.\n"
        "  Make it writable for root alone, as a variable such as PYTHONPATH decides which code is "
        "run; or run the stack as another user with `tandem up --user NAME`.\n",
    )
    # Anyone else is the only user to be harmed.
    assert (done.returncode, done.stderr) == (refused if os.geteuid() == 0 else (0, ""))


def test_manage_py_tandem_reads_the_files_too(project) -> None:
    """Where manage.py itself can import the settings."""
    add(project, OFFERS % '".env"')
    (project / "mysite" / "settings.py").open("a").write('INSTALLED_APPS += ["django_tandem"]\n')
    done = tandem(project, "plan", "--json")

    assert done.returncode == 0
