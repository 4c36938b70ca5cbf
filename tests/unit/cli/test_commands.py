"""The command line imports the one subcommand it runs, and explains mistakes."""

import subprocess
import sys

import pytest

from django_tandem.cli import COMMANDS, main, parser

IMPORTED = """
import sys
from django_tandem.cli import main
try:
    main(sys.argv[1:])
except SystemExit:
    pass
print(*sorted(sys.modules), file=sys.stderr)
"""


def _imported_by(*argv: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED, *argv], capture_output=True, text=True, check=True
    )
    return set(done.stderr.split())


def test_a_reload_imports_no_target_that_it_does_not_render() -> None:
    """Its CPU time is that of the live generation, which serves meanwhile."""
    imported = _imported_by("reload", "--help")

    assert "django_tandem.render.nginx" in imported
    others = ("kubernetes", "compose", "monitoring", "systemd")
    assert imported.isdisjoint(f"django_tandem.render.{name}" for name in others)


@pytest.mark.parametrize("command", ["status", "logs", "down"])
def test_short_commands_import_nothing_that_plans(command) -> None:
    """Each of these modules takes a fifth of a second or more."""
    imported = _imported_by(command, "--help")

    assert f"django_tandem.cli.{command}" in imported
    assert imported.isdisjoint({"django.urls", "django.http", "jinja2", "watchfiles"})


def test_the_help_lists_every_command(capsys) -> None:
    """Each on its own line."""
    with pytest.raises(SystemExit):
        parser().parse_args(["--help"])

    shown = capsys.readouterr().out
    assert all(f"\n    {name} " in shown for name in COMMANDS)


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ([], f"A command is missing.\n  The commands are {', '.join(COMMANDS)}.\n"),
        (
            ["stauts"],
            '"stauts" is not a command of tandem.\n  Did you mean "status"? The commands are '
            f"{', '.join(COMMANDS)}.\n",
        ),
        (
            ["runserver"],
            f'"runserver" is not a command of tandem.\n  The commands are {", ".join(COMMANDS)}.\n',
        ),
        (
            ["down", "--setings=x"],
            '"--setings" is not an option of `tandem down`.\n'
            '  Did you mean "--settings"? '
            "Its options are --help, --settings, --env-file, --run-dir, --drain.\n",
        ),
        (
            ["down", "-x"],
            '"-x" is not an option of `tandem down`.\n'
            "  Its options are --help, --settings, --env-file, --run-dir, --drain.\n",
        ),
        (
            ["down", "wsgi"],
            '"wsgi" is one argument too many for `tandem down`.\n'
            "  `tandem down --help` lists its arguments.\n",
        ),
    ],
)
def test_an_unknown_command_or_option_is_named_with_a_similar_one(argv, message, capsys) -> None:
    """Exit code 2, and nothing runs."""
    assert main(argv) == 2
    assert capsys.readouterr() == ("", message)


def test_settings_may_be_given_before_the_subcommand() -> None:
    """As for manage.py; after it, the later one counts."""
    before = parser(["plan"]).parse_args(["--settings", "a", "plan"])
    both = parser(["plan"]).parse_args(["--settings", "a", "plan", "--settings", "b"])

    assert (before.settings, both.settings) == ("a", "b")
    assert parser(["plan"]).parse_args(["plan"]).settings is None


PRINTING = """
import sys
from argparse import Namespace
from django_tandem.cli import console, run
sys.exit(run(Namespace(tandem_run=lambda _: console.line_out("x" * 100_000) or 0)))
"""


@pytest.mark.parametrize(
    ("output", "code", "message"),
    [
        ("| true", 0, ""),
        (">&-", 0, ""),
        (
            "> /dev/full",
            2,
            "The output can't be written: No space left on device.\n"
            "  Send it to another file or terminal.\n",
        ),
    ],
    ids=["a pipe whose reader is gone", "closed", "a full disk"],
)
def test_an_output_that_takes_nothing_is_no_traceback(output, code, message, tmp_path) -> None:
    """Neither while it is written, nor when Python flushes it at its exit."""
    script = tmp_path / "printing.py"
    script.write_text(PRINTING)
    done = subprocess.run(
        ["bash", "-c", f'"$0" "$1" {output}; exit ${{PIPESTATUS[0]}}', sys.executable, script],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (code, message)
