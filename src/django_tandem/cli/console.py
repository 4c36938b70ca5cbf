"""How results are shown: tables for people on stdout, the same as JSON for programs."""

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table to stdout; off a terminal nothing is cut to fit."""
    console = Console(width=None if sys.stdout.isatty() else 1000, highlight=False)
    shown = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        shown.add_column(column, overflow="fold")
    for row in rows:
        # Patterns hold brackets, which rich would take for markup.
        shown.add_row(*(Text(cell) for cell in row))
    with console.capture() as capture:
        console.print(shown)
    # A column padded to its width leaves blanks at the end of each line.
    lines = capture.get().splitlines()
    line_out("\n".join(line.rstrip() for line in lines))


def as_json(value: Any) -> None:
    """Print a value of the model, or what is made of them, as JSON to stdout."""
    line_out(json.dumps(value, indent=2, default=_plain, ensure_ascii=False))


def line_out(text: str) -> None:
    """Print a result to stdout."""
    print(text)  # noqa: T201


def line_err(text: str) -> None:
    """Print a word on the progress to stderr."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201


def _plain(value: Any) -> Any:
    return asdict(value)
