"""A timeout below one second, or a negative number of lines, is refused before anything starts."""

import pytest

from django_tandem.cli import main
from django_tandem.render.targets import TARGETS

TARGET_NAMES = [each.name for each in TARGETS]


@pytest.mark.parametrize("command", ["up", "reload"])
@pytest.mark.parametrize("value", ["0", "-3", "0.5", "nan", "inf", "soon"])
def test_a_timeout_below_a_second_is_refused(command, value, capsys) -> None:
    """The stack would be called failed at once, and would run all the same."""
    assert main([command, f"--timeout={value}"]) == 2
    assert capsys.readouterr().err == (
        f'--timeout: Expected seconds of at least 1, such as 30, got "{value}".\n'
        f"  `tandem {command} --help` lists its arguments.\n"
    )


def test_a_negative_number_of_lines_is_refused(capsys) -> None:
    """It would print all but the first lines."""
    assert main(["logs", "-n", "-5"]) == 2
    assert capsys.readouterr().err == (
        '-n/--lines: Expected an integer of at least 0, got "-5".\n'
        "  `tandem logs --help` lists its arguments.\n"
    )


def test_a_format_of_logs_that_does_not_exist_is_refused(capsys) -> None:
    """Both that exist are named."""
    assert main(["up", "--log-format", "xml"]) == 2
    assert capsys.readouterr().err == (
        '--log-format: Expected text or json, got "xml".\n'
        "  `tandem up --help` lists its arguments.\n"
    )


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            ["render", "ngnix"],
            f"TARGET: Expected {', '.join(TARGET_NAMES[:-1])} or {TARGET_NAMES[-1]}, got "
            '"ngnix". Did you mean "nginx"?',
        ),
        (
            ["status", "--check", "raedy"],
            '--check: Expected ready, live or started, got "raedy". Did you mean "ready"?',
        ),
        (
            ["up", "--log-format", "jason"],
            '--log-format: Expected text or json, got "jason". Did you mean "json"?',
        ),
        (
            ["down", "--drain", "waits"],
            '--drain: Expected spread or wait, got "waits". Did you mean "wait"?',
        ),
        (
            ["bench", "/", "--method", "psot"],
            '--method: Expected GET, OPTIONS, POST, PUT, PATCH or DELETE, got "PSOT". '
            'Did you mean "POST"?',
        ),
    ],
    ids=lambda given: given[0] if isinstance(given, list) else "",
)
def test_a_word_that_is_not_a_choice_is_refused(given, message, capsys) -> None:
    """With the choice that it resembles."""
    assert main(given) == 2
    assert capsys.readouterr().err == (
        f"{message}\n  `tandem {given[0]} --help` lists its arguments.\n"
    )


def test_a_url_with_half_an_ipv6_address_is_refused(capsys) -> None:
    """No server block could be chosen by it."""
    assert main(["explain", "http://[bad/"]) == 2
    assert capsys.readouterr().err == (
        'URL: Expected a path or a URL, got "http://[bad/".\n'
        "  `tandem explain --help` lists its arguments.\n"
    )


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["bench", "--duration"], "--duration: expected one argument."),
        (["explain"], "The following arguments are required: URL."),
        (
            ["shift", "/", "--percent", "5", "--steps", "5,50"],
            "--steps: not allowed with argument --percent.",
        ),
    ],
    ids=["a value", "an argument", "two that exclude each other"],
)
def test_argparse_own_errors_are_a_sentence_and_a_hint(given, message, capsys) -> None:
    """Without the usage, which is longer than a screen."""
    assert main(given) == 2
    assert capsys.readouterr().err == (
        f"{message}\n  `tandem {given[0]} --help` lists its arguments.\n"
    )
