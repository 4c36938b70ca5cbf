"""A mistake in a project is one sentence with a hint, and exit code 2."""

import pytest
from stack.mistaken import append, exit_and_stderr, setting

from harness.stack import tandem


def test_an_option_that_does_not_exist(project) -> None:
    """The hint suggests a similar one."""
    setting(project, '{"WSGI": {"WROKERS": 2}}')

    assert exit_and_stderr(tandem(project, "up")) == (
        2,
        'TANDEM["WSGI"]["WROKERS"] is not an option.\n  Did you mean "WORKERS"?\n',
    )


def test_a_pin_of_a_name_that_does_not_exist(project) -> None:
    """Also among URL names."""
    setting(project, '{"ROUTES": [("admin:idnex", "asgi")]}')

    assert exit_and_stderr(tandem(project, "up")) == (
        2,
        'TANDEM["ROUTES"][0]: "admin:idnex" is not a URL name, a namespace or a view.\n'
        '  Did you mean "admin:index"?\n',
    )


def test_settings_that_import_a_missing_module(project) -> None:
    """The hint has the line."""
    settings = project / "mysite" / "settings.py"
    line = append(settings, "import nothing_like_it")

    assert exit_and_stderr(tandem(project, "up")) == (
        2,
        'The settings module "mysite.settings" can\'t be imported: '
        "ModuleNotFoundError: No module named 'nothing_like_it'\n"
        f"  Raised at {settings}, line {line}. "
        "`python manage.py check` shows the whole traceback.\n",
    )


@pytest.mark.parametrize("given", ["mysite.setings", "mysit.settings"])
def test_a_settings_module_that_does_not_exist(project, given) -> None:
    """The hint suggests a similar one of the project, by its own name or by its package's."""
    named = given if given.startswith("mysite.") else "mysit"

    assert exit_and_stderr(tandem(project, "up", "--settings", given)) == (
        2,
        f'The settings module "{given}" can\'t be imported: '
        f"ModuleNotFoundError: No module named '{named}'\n"
        '  Did you mean "mysite.settings"?\n',
    )


@pytest.mark.parametrize(
    ("file", "what"),
    [
        ("settings.py", 'The settings module "mysite.settings"'),
        ("urls.py", 'The URLconf "mysite.urls"'),
    ],
)
def test_a_syntax_error(project, file, what) -> None:
    """The hint has the line, as Python reports it."""
    path = project / "mysite" / file
    line = append(path, "ANYTHING = [")

    assert exit_and_stderr(tandem(project, "up")) == (
        2,
        f"{what} can't be imported: "
        f"SyntaxError: '[' was never closed ({file}, line {line})\n"
        f"  Raised at {path}, line {line}. "
        "`python manage.py check` shows the whole traceback.\n",
    )


@pytest.mark.parametrize(
    ("command", "more"),
    [
        ("plan", ""),
        ("up", ""),
        ("status", "  Or name the run directory with `--run-dir`.\n"),
        ("logs", "  Or name the run directory with `--run-dir`.\n"),
        ("down", "  Or name the run directory with `--run-dir`.\n"),
    ],
)
def test_there_is_no_project(tmp_path, command, more) -> None:
    """Nor is there one in any directory above."""
    assert exit_and_stderr(tandem(tmp_path, command)) == (
        2,
        f"There is no Django project in {tmp_path}, nor above it: no manage.py was found.\n"
        "  Change to the directory of manage.py, "
        f"or give --settings or DJANGO_SETTINGS_MODULE.\n{more}",
    )


def test_logs_before_anything_ran(project) -> None:
    """The exit code is 1."""
    assert exit_and_stderr(tandem(project, "logs")) == (
        1,
        f"Nothing has run in {project}/.tandem yet.\n  Start it with `tandem up`.\n",
    )
