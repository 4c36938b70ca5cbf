"""A view that is drawn again shows what its function prints, and nothing else."""

import pytest

from django_tandem.cli import console, live


def test_what_is_shown_is_what_is_printed() -> None:
    """Caught whole, so that it is drawn at once."""
    assert live.printed(lambda: console.table(("A", "B"), [("1", "2")])) == "A  B\n1  2\n"


def test_what_it_raises_ends_it(capsys) -> None:
    """After what was shown before; a pipe gets one view after the other."""
    left = [0, 1]

    def show() -> None:
        console.line_out(f"in {1 // left.pop()}")

    with pytest.raises(ZeroDivisionError):
        live.repeat(show)

    assert capsys.readouterr().out == "in 1\n\n"
