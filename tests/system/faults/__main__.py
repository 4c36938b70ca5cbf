"""
Does each fault to the example in turn, prints the table and writes results/faults.json.

`make faults` runs it; arguments, such as reload-gunicorn-*, choose faults by their names.
"""

import asyncio
import json
import subprocess
import sys
import time
import traceback
from dataclasses import asdict
from datetime import UTC, datetime
from fnmatch import fnmatch
from itertools import starmap

from faults.faults import FAULTS
from faults.row import Fault, Row, unfinished
from faults.table import HEADER, cells, line
from results import RESULTS, Ratio, finish, say

PACKAGES = ("django", "gunicorn", "uvicorn", "daphne", "granian", "hypercorn", "uwsgi", "waitress")
NAME = "faults"


def main(patterns: list[str]) -> int:
    """Run the faults that any of ``patterns`` fits, all without; 1 when one falls short."""
    chosen = [fault for fault in FAULTS if _is_chosen(fault, patterns)]
    if not chosen:
        print(f"No fault is called so. There are {', '.join(f.name for f in FAULTS)}.")
        return 2
    began = time.monotonic()
    rows: dict[str, Row] = {}
    try:
        for fault in chosen:
            rows[fault.name] = _run(fault)
    finally:
        # Hours of it are not lost to a Ctrl-C.
        print(*(line(each) for each in (HEADER, *starmap(cells, rows.items()))), sep="\n")
        print(f"{len(rows)} faults in {(time.monotonic() - began) / 60:.0f} minutes")
        code = _write(rows)
    return code


def _is_chosen(fault: Fault, patterns: list[str]) -> bool:
    return not patterns or any(fnmatch(fault.name, pattern) for pattern in patterns)


def _run(fault: Fault) -> Row:
    say(f"{fault.name} …")
    try:
        row = asyncio.run(fault.run())
    except (
        AssertionError,
        OSError,
        RuntimeError,
        TimeoutError,
        subprocess.SubprocessError,
    ) as error:
        # Such as a stack that never recovered: the row falls short, and the next is run.
        traceback.print_exc()
        row = unfinished(f"{type(error).__name__}: {error}"[-500:])
    failed = (f"failed {why}, {times} times" for why, times in row.failed.items())
    for text in (line(cells(fault.name, row)), *row.notes, *failed, *row.short):
        say(f"  {text}")
    return row


def _write(rows: dict[str, Row]) -> int:
    """Write the rows over those of earlier runs; what was not run stays."""
    now = datetime.now(UTC).isoformat(timespec="minutes")
    kept = _kept() | {name: {"at": now, **asdict(row)} for name, row in rows.items()}
    ratios = {
        f"{name}: {what}": Ratio(**asdict(bound))
        for name, row in rows.items()
        for what, bound in row.bounds.items()
    }
    return finish(NAME, ratios, packages=PACKAGES, rows=kept)


def _kept() -> dict[str, object]:
    path = RESULTS / f"{NAME}.json"
    return json.loads(path.read_text())["rows"] if path.exists() else {}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
