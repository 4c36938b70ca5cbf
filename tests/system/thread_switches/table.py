"""
The tables of docs/explanation/middleware.md.

`python -m thread_switches.table`, run in tests/, counts and writes them.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from thread_switches.cases import ALONE, WHOLE, Case

DOCUMENT = Path(__file__).parents[3] / "docs" / "explanation" / "middleware.md"
TESTS = Path(__file__).parents[1]
HANDLERS = ("stock", "ours")
TABLES = {"middleware": ALONE, "request": WHOLE}

Switches = dict[str, tuple[int, int]]


def measured() -> Switches:
    """Count the switches of each case, with each handler in its own process."""
    with tempfile.TemporaryDirectory(prefix="switches-") as scratch:
        found = [_counted(handler, Path(scratch, f"{handler}.db")) for handler in HANDLERS]
    stock, ours = found
    return {name: (stock[name], ours[name]) for name in stock}


def _counted(handler: str, database: Path) -> dict[str, int]:
    argv = [sys.executable, "-m", "thread_switches.count", handler, str(database)]
    done = subprocess.run(argv, cwd=TESTS, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    counted: dict[str, int] = json.loads(done.stdout)
    return counted


def rewritten(document: str, switches: Switches) -> str:
    """Return the document with each table anew; rows that were not measured stay as they are."""
    for heading, cases in TABLES.items():
        rows = "".join(_row(document, case, switches) for case in cases)
        document = _replaced(document, heading, rows)
    return document


def _row(document: str, case: Case, switches: Switches) -> str:
    start = f"| {_shown(case)} |"
    if case.name in switches:
        stock, ours = switches[case.name]
        return f"{start} {stock} | {ours} |\n"
    # Another version of Django has it, or had it.
    kept = [line for line in document.splitlines(keepends=True) if line.startswith(start)]
    return kept[0] if kept else ""


def _shown(case: Case) -> str:
    return f"`{case.name}`" if case.middleware else case.name


def _replaced(document: str, heading: str, rows: str) -> str:
    before, head, rest = document.partition(f"| {heading} | stock | here |\n|---|--:|--:|\n")
    if not head:
        raise RuntimeError(f"{DOCUMENT.name} has no table of each {heading}")
    lines = rest.splitlines(keepends=True)
    end = next((n for n, line in enumerate(lines) if not line.startswith("|")), len(lines))
    return before + head + rows + "".join(lines[end:])


if __name__ == "__main__":
    DOCUMENT.write_text(rewritten(DOCUMENT.read_text(), measured()))
