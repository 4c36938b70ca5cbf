"""`tandem reload` prints the project's own lines of a traceback, or all of it."""

import argparse
from importlib import import_module
from pathlib import Path

import pytest

from django_tandem.cli import main, reload
from django_tandem.cli import parser as commands_parser
from django_tandem.errors import TandemError
from django_tandem.inprocess import startup_failures
from django_tandem.model import DrainMode


@pytest.fixture
def raised(tmp_path, monkeypatch) -> Exception:
    """What a module of a project raises by way of Python's own import."""
    (tmp_path / "its_views.py").write_text("import json\n\njson.loads('{')\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ValueError, match="Expecting") as found:
        import_module("its_views")
    return found.value


def test_only_files_below_the_project_are_its_own(raised, tmp_path) -> None:
    """Neither the importing modules nor the called library."""
    first, *files, last = _without_code(startup_failures.own_traceback(raised, tmp_path))

    assert first == "Traceback (most recent call last):"
    assert files == [f'  File "{tmp_path}/its_views.py", line 3, in <module>']
    assert last.startswith("json.decoder.JSONDecodeError: Expecting property name")


def test_a_virtual_environment_below_the_project_is_not_its_own(raised, tmp_path) -> None:
    """An error that has no frame of the project prints nothing."""
    installed = tmp_path / "site-packages"

    assert startup_failures.own_traceback(raised, installed) == ""
    assert not startup_failures._lies_below(tmp_path, installed / "django" / "urls.py")


def test_the_cause_of_an_error_is_filtered_too(raised, tmp_path) -> None:
    """Each exception of the chain keeps its own frames."""
    error = RuntimeError("no")
    error.__cause__ = raised

    shown = startup_failures.own_traceback(error, tmp_path)

    assert shown.count("its_views.py") == 1
    assert shown.endswith("RuntimeError: no")


def test_the_full_traceback_is_what_python_prints(raised, tmp_path) -> None:
    """With the importing modules and the called library."""
    shown = reload.full_traceback(raised)

    assert str(Path("json", "decoder.py")) in shown
    assert f'  File "{tmp_path}/its_views.py", line 3, in <module>\n' in shown


@pytest.mark.parametrize(
    ("given", "seconds", "mode"),
    [
        ([], None, None),
        (["5"], 5, None),
        (["wait"], None, DrainMode.WAIT),
        (["wait", "600"], 600, DrainMode.WAIT),
        (["spread"], None, DrainMode.SPREAD),
    ],
)
def test_a_drain_is_given_by_its_seconds_its_mode_or_both(given, seconds, mode) -> None:
    """Each replaces one setting."""
    parser = argparse.ArgumentParser()
    reload.add_arguments(parser)

    options = parser.parse_args([f"--drain={each}" for each in given])

    assert (options.drain, options.drain_mode) == (seconds, mode)


def test_any_other_drain_is_an_error(capsys) -> None:
    """It names both kinds of values."""
    assert main(["reload", "--drain", "slowly"]) == 2
    assert capsys.readouterr().err == (
        '--drain: Expected a number of seconds, such as 5, "spread" or "wait", got "slowly".\n'
        "  `tandem reload --help` lists its arguments.\n"
    )


@pytest.mark.parametrize(
    ("option", "value"), [("--settings", "mysite.other"), ("--env-file", "/home/member/.env")]
)
def test_a_member_of_the_group_chooses_no_code(option, value, tmp_path, monkeypatch) -> None:
    """Nor its variables: the reload would run without them, and seem to have used them."""
    requested: list[Path] = []
    monkeypatch.setattr(reload, "find_foreign_run_dir", lambda _options: tmp_path)
    monkeypatch.setattr(reload, "request_reload", lambda found, *_: requested.append(found) or 0)
    monkeypatch.setattr(reload, "_enter_release", lambda _options: None)
    parser = commands_parser()

    with pytest.raises(TandemError) as raised:
        reload.run(parser.parse_args(["reload", option, value]))

    assert requested == []
    assert str(raised.value) == (
        f"`{option}` is for the user of a stack, and that in {tmp_path} is of another one.\n"
        "  Leave it out: the stack is reloaded with its own settings and variables."
    )


def _without_code(shown: str) -> list[str]:
    return [line for line in shown.splitlines() if not line.startswith("    ")]
