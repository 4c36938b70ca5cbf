"""How results are shown: tables for people on stdout, the same as JSON for programs."""

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from rich.cells import cell_len, set_cell_size


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table to stdout, each column as wide as its widest cell; nothing is cut."""
    # Not rich's own table: laying out 3,000 routes takes it two seconds.
    cells = [columns, *rows]
    widths = [max(cell_len(row[index]) for row in cells) for index in range(len(columns))]
    for row in cells:
        padded = (set_cell_size(cell, width) for cell, width in zip(row, widths, strict=True))
        line_out("  ".join(padded).rstrip())


def as_json(value: Any) -> None:
    """Print a value of the model, or what is made of them, as JSON to stdout."""
    line_out(json_text(value))


def json_text(value: Any) -> str:
    """Return a value of the model, or what is made of them, as JSON."""
    return json.dumps(value, indent=2, default=_plain, ensure_ascii=False)


def line_out(text: str) -> None:
    """Print a result to stdout."""
    print(text)  # noqa: T201


def line_err(text: str) -> None:
    """Print a word on the progress to stderr."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201


def _plain(value: Any) -> Any:
    return asdict(value)
