"""A timeout below one second, or a negative number of lines, is refused before anything starts."""

import pytest

from django_tandem.cli import main


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


def test_a_url_with_half_an_ipv6_address_is_refused(capsys) -> None:
    """No server block could be chosen by it."""
    with pytest.raises(SystemExit) as caught:
        main(["explain", "http://[bad/"])

    assert caught.value.code == 2
    assert capsys.readouterr().err.endswith(
        'argument URL: Expected a path or a URL, got "http://[bad/".\n'
    )
