"""Tables fit the terminal, and durations are short."""

import pytest

from django_tandem.cli import console

ROWS = [("/a/", "", "wsgi"), ("/größe/", "size", "asgi")]


def test_a_table_is_as_wide_as_its_cells(capsys) -> None:
    """Into a pipe or a file nothing is cut, however wide it is."""
    console.table(("ROUTE", "NAME", "STACK"), ROWS)

    assert capsys.readouterr().out == (
        "ROUTE    NAME  STACK\n/a/            wsgi\n/größe/  size  asgi\n"
    )


def test_a_terminal_too_narrow_for_a_table_has_a_block_for_each_row(capsys, monkeypatch) -> None:
    """Wrapped lines of a table can't be read; empty cells are left out."""
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "15")
    console.table(("ROUTE", "NAME", "STACK"), ROWS)

    assert capsys.readouterr().out == (
        "/a/\n  STACK  wsgi\n/größe/\n  NAME   size\n  STACK  asgi\n"
    )


@pytest.mark.parametrize(
    ("width", "lines"),
    [
        (20, ["ROUTE    NAME  STACK", "/a/            wsgi", "/größe/  size  asgi"]),
        (
            16,
            ["ROUTE    STACK", "/a/      wsgi", "/größe/  asgi", "Hidden at this width: NAME."],
        ),
        (9, ["ROUTE", "/a/", "/größe/", "Hidden at this width: NAME, STACK."]),
    ],
)
def test_a_live_table_hides_columns_that_do_not_fit(width, lines) -> None:
    """In the given order, and it names them."""
    columns = ("ROUTE", "NAME", "STACK")

    assert console.narrowed_lines(columns, ROWS, width, ("NAME", "STACK")) == lines


@pytest.mark.parametrize(("number", "text"), [(0, "0 routes"), (1, "1 route"), (2, "2 routes")])
def test_a_number_has_its_noun(number, text) -> None:
    """In the singular for one."""
    assert console.counted(number, "route") == text
