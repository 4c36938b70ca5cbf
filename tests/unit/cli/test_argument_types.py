"""A timeout below one second, or a negative number of lines, is refused before anything starts."""

import pytest

from django_tandem.cli import main
from django_tandem.render import TARGETS

TARGET_NAMES = [each.name for each in TARGETS]


@pytest.mark.parametrize("command", ["up", "reload"])
@pytest.mark.parametrize("value", ["0", "-3", "0.5", "nan", "inf", "soon"])
def test_a_timeout_below_a_second_is_refused(command, value, capsys) -> None:
    """The stack would be called failed at once, and would run all the same."""
    with pytest.raises(SystemExit) as caught:
        main([command, f"--timeout={value}"])

    assert caught.value.code == 2
    assert capsys.readouterr().err.endswith(
        f'argument --timeout: Expected seconds of at least 1, such as 30, got "{value}".\n'
    )


def test_a_negative_number_of_lines_is_refused(capsys) -> None:
    """It would print all but the first lines."""
    with pytest.raises(SystemExit) as caught:
        main(["logs", "-n", "-5"])

    assert caught.value.code == 2
    assert capsys.readouterr().err.endswith(
        'argument -n/--lines: Expected an integer of at least 0, got "-5".\n'
    )


def test_a_format_of_logs_that_does_not_exist_is_refused(capsys) -> None:
    """Both that exist are named."""
    with pytest.raises(SystemExit) as caught:
        main(["up", "--log-format", "xml"])

    assert caught.value.code == 2
    assert capsys.readouterr().err.endswith(
        'argument --log-format: Expected text or json, got "xml".\n'
    )


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            ["render", "ngnix"],
            f"argument TARGET: Expected {', '.join(TARGET_NAMES[:-1])} or {TARGET_NAMES[-1]}, got "
            '"ngnix". Did you mean "nginx"?',
        ),
        (
            ["status", "--check", "raedy"],
            'argument --check: Expected ready, live or started, got "raedy". Did you mean "ready"?',
        ),
        (
            ["up", "--log-format", "jason"],
            'argument --log-format: Expected text or json, got "jason". Did you mean "json"?',
        ),
        (
            ["down", "--drain", "waits"],
            'argument --drain: Expected spread or wait, got "waits". Did you mean "wait"?',
        ),
        (
            ["bench", "/", "--method", "psot"],
            'argument --method: Expected GET, OPTIONS, POST, PUT, PATCH or DELETE, got "PSOT". '
            'Did you mean "POST"?',
        ),
    ],
    ids=lambda given: given[0] if isinstance(given, list) else "",
)
def test_a_word_that_is_not_a_choice_is_refused(given, message, capsys) -> None:
    """With the choice that it resembles."""
    with pytest.raises(SystemExit) as caught:
        main(given)

    assert caught.value.code == 2
    assert capsys.readouterr().err.endswith(f"{message}\n")


def test_a_url_with_half_an_ipv6_address_is_refused(capsys) -> None:
    """No server block could be chosen by it."""
    with pytest.raises(SystemExit) as caught:
        main(["explain", "http://[bad/"])

    assert caught.value.code == 2
    assert capsys.readouterr().err.endswith(
        'argument URL: Expected a path or a URL, got "http://[bad/".\n'
    )
