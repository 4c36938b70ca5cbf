"""Output: results as tables or JSON on stdout, progress on stderr."""

import contextlib
import json
import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

from rich.cells import cell_len, set_cell_size

from django_tandem.errors import MachineError


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table to stdout; on a terminal that is too narrow for it, a block for each row."""
    for line in fitted_lines(columns, list(rows)):
        line_out(line)


def fitted_lines(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return a table's lines; blocks of lines where stdout is a terminal too narrow for it."""
    lines = table_lines(columns, rows)
    if sys.stdout is not None and sys.stdout.isatty():
        width = shutil.get_terminal_size().columns
        if max(map(cell_len, lines)) > width:
            return _blocks(columns, rows)
    return lines


def narrowed_lines(
    columns: Sequence[str], rows: Sequence[Sequence[str]], width: int, expendable: Sequence[str]
) -> list[str]:
    """Return a table's lines without as many of the ``expendable`` columns as do not fit."""
    kept, hidden = list(columns), []
    lines = table_lines(columns, rows)
    for column in expendable:
        if max(map(cell_len, lines)) <= width:
            break
        kept.remove(column)
        hidden.append(column)
        places = [columns.index(each) for each in kept]
        lines = table_lines(kept, [[row[place] for place in places] for row in rows])
    return [*lines, f"Hidden at this width: {', '.join(hidden)}."] if hidden else lines


def table_lines(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a table, each column as wide as its widest cell; nothing is cut."""
    # Not rich's own table: laying out 3,000 routes takes it two seconds.
    cells = [columns, *rows]
    widths = [max(cell_len(row[index]) for row in cells) for index in range(len(columns))]
    return ["  ".join(map(set_cell_size, row, widths)).rstrip() for row in cells]


def _blocks(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return each row as its first cell, and a line below it for each other that has a text."""
    width = max(map(cell_len, columns))
    return [
        line
        for row in rows
        for line in (
            row[0],
            *(
                f"  {set_cell_size(column, width)}  {cell}"
                for column, cell in zip(columns[1:], row[1:], strict=True)
                if cell
            ),
        )
    ]


def print_json(value: Any) -> None:
    """Print a value of the model, or a collection of them, as JSON to stdout."""
    line_out(json_text(value))


def json_text(value: Any) -> str:
    """Return a value of the model, or a collection of them, as JSON."""
    text = json.dumps(value, indent=2, default=asdict, ensure_ascii=False)
    # No encoding has a lone surrogate, as a part of a response may be; as an escape it is JSON.
    return text.encode(errors="backslashreplace").decode()


def duration(seconds: int) -> str:
    """Return a time in its two largest units, such as ``2 h 5 min``."""
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if days:
        return f"{days} d {hours % 24} h"
    if hours:
        return f"{hours} h {minutes % 60} min"
    return f"{minutes} min {seconds % 60} s" if minutes else f"{seconds} s"


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, such as ``1 route`` or ``2 routes``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def listed(words: Sequence[str]) -> str:
    """Return the words as a sentence lists them: "a", "a and b", "a, b and c"."""
    *others, last = words
    return f"{', '.join(others)} and {last}" if others else last


def line_out(text: str) -> None:
    """Print a result to stdout; raises MachineError when its disk is full."""
    with _writing():
        print(text)  # noqa: T201


def flush() -> None:
    """Flush stdout; raises MachineError when its disk is full."""
    with _writing():
        if sys.stdout is not None:
            sys.stdout.flush()


def discard_output() -> None:
    """Send stdout nowhere from here on, as Python flushes it once more at its exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def line_err(text: str) -> None:
    """Print progress to stderr."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201


@contextlib.contextmanager
def _writing() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        discard_output()
        raise MachineError(
            f"The output can't be written: {error.strerror}.",
            hint="Send it to another file or terminal.",
        ) from error
