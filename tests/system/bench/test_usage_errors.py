"""Errors in the options are reported before anything is started."""

from pathlib import Path

import pytest
from bench.command import SHORT, made_in

from harness.stack import tandem


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """A project that accepts one host name only."""
    settings = 'DEBUG = False\nALLOWED_HOSTS = [".lots.example"]\n'
    return made_in(tmp_path_factory.mktemp("asked"), settings)


def test_requests_that_write_need_consent(project) -> None:
    """The message names the database; nothing is started."""
    done = tandem(project, "bench", "/", "--body", "x=1", *SHORT)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "POST / would run thousands of times and may write to the database "
        f'"{project}/db.sqlite3".\n'
        "  Use a copy of the database. If this is one, add `--yes`.\n"
    )


def test_yes_is_consent_and_requests_have_an_allowed_host(project) -> None:
    """Each topology accepts the POST."""
    done = tandem(project, "bench", "/", "--body", "x=1", "--yes", *SHORT)

    assert done.returncode == 0, done.stderr
    assert "\nPOST /\n" in done.stdout
    assert "status 4" not in done.stdout


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ((), "Expected a URL or `--ws`.\n  Name a URL, such as `tandem bench /api/lots/`.\n"),
        (
            ("/", "--json", "none/such.json"),
            '"none/such.json" can\'t be written.\n  Name a file in a writable directory.\n',
        ),
        (
            ("/", "--json", "mysite"),
            '"mysite" can\'t be written.\n  Name a file in a writable directory.\n',
        ),
        (
            ("/", "--ws", "/ws/", "--message", "{stamp}"),
            "Expected no URL with `--message`.\n  Measure requests in another `tandem bench`.\n",
        ),
        (
            ("--trigger", "/?at={stamp}"),
            "Expected `--ws` with `--trigger`.\n  Name a path of WebSockets: `--ws /ws/lots/1/`.\n",
        ),
        (
            ("--ws", "/ws/", "--message", "hello"),
            'Expected {stamp} in "hello".\n'
            "  It becomes a time stamp, from which each WebSocket recognizes the broadcast.\n",
        ),
        (
            ("--ws", "/ws/", "--message", "{stamp}", "--html", "out.html"),
            "Expected no `--html` with `--message`.\n  Write the results with `--json`.\n",
        ),
    ],
)
def test_an_impossible_measurement_is_refused_at_once(argv, message, project) -> None:
    """Not after all rounds."""
    done = tandem(project, "bench", *argv)

    assert (done.returncode, done.stdout, done.stderr) == (2, "", message)


def test_an_unknown_server_is_refused_with_the_known_ones(project) -> None:
    """Before anything is started."""
    done = tandem(project, "bench", "/", "--wsgi", "mod_wsgi")

    assert (done.returncode, done.stderr) == (
        2,
        '--wsgi: Expected gunicorn, uwsgi, waitress or granian, got "mod_wsgi". '
        'Did you mean "uwsgi"?\n  `tandem bench --help` lists its arguments.\n',
    )
