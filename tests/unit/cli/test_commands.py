"""The command line finds its subcommands, and imports the one that is asked for."""

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


@pytest.mark.parametrize("command", ["status", "logs", "down"])
def test_what_only_looks_imports_nothing_that_plans(command) -> None:
    """Each of these takes a fifth of a second or more of every short command."""
    imported = _imported_by(command, "--help")

    assert f"django_tandem.cli.{command}" in imported
    assert imported.isdisjoint({"django.urls", "django.http", "jinja2", "watchfiles"})


def test_the_help_names_them_all(capsys) -> None:
    """With a line of each."""
    with pytest.raises(SystemExit):
        parser().parse_args(["--help"])

    shown = capsys.readouterr().out
    assert all(f"\n    {name} " in shown for name in COMMANDS)


def test_a_command_that_is_none_is_refused_with_all_that_are(capsys) -> None:
    """Though only the one that is asked for is ever imported."""
    with pytest.raises(SystemExit) as ended:
        main(["stauts"])

    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert all(name in said for name in COMMANDS)
