"""What can't be measured, or must not be, is refused before anything is started."""

from pathlib import Path

import pytest
from cli.benching import SHORT, made_in

from harness.stack import tandem


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """A project that answers to a host of its own alone, and only where it is not called so."""
    settings = 'DEBUG = False\nALLOWED_HOSTS = [".lots.example"]\n'
    return made_in(tmp_path_factory.mktemp("asked"), settings)


def test_a_body_is_sent_to_no_database_without_a_word(project) -> None:
    """Which is named; nothing has been started."""
    done = tandem(project, "bench", "/", "--body", "x=1", *SHORT)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f'POST / would be done some thousand times, to the database "{project}/db.sqlite3": '
        "what it writes stays there.\n"
        "  Point the settings at a copy of it. If this is one, add `--yes`.\n"
    )


def test_with_a_word_it_is_and_the_host_is_the_projects_own(project) -> None:
    """A POST that ALLOWED_HOSTS lets by is answered by each topology."""
    done = tandem(project, "bench", "/", "--body", "x=1", "--yes", *SHORT)

    assert done.returncode == 0, done.stderr
    assert "\nPOST /\n" in done.stdout
    assert "status 4" not in done.stdout


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        ((), "There is nothing to ask for.\n  Name a URL, such as `tandem bench /api/lots/`.\n"),
        (
            ("/", "--json", "none/such.json"),
            '"none/such.json" can\'t be written.\n  Name a file in a directory that is there.\n',
        ),
        (
            ("/", "--json", "mysite"),
            '"mysite" can\'t be written.\n  Name a file in a directory that is there.\n',
        ),
    ],
)
def test_what_can_not_be_done_is_told_at_once(argv, told, project) -> None:
    """Not after half an hour of rounds."""
    done = tandem(project, "bench", *argv)

    assert (done.returncode, done.stdout, done.stderr) == (2, "", told)


def test_a_server_that_is_none_is_refused_with_those_there_are(project) -> None:
    """By argparse, as any option."""
    done = tandem(project, "bench", "/", "--wsgi", "mod_wsgi")

    assert done.returncode == 2
    assert "argument --wsgi: invalid choice: 'mod_wsgi'" in done.stderr
    assert "waitress" in done.stderr
