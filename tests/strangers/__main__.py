"""Serve each project, three at a time, and print a table: ``python -m strangers [NAME …]``."""

import sys
import time
from concurrent.futures import ThreadPoolExecutor

from harness.signals import restore_defaults
from strangers.expectations import names, read
from strangers.serve import check

# Each waits for a start and a stop, and its bounds of time are those of a machine with two CPUs.
AT_ONCE = 3


def main(argv: list[str]) -> int:
    """Return 1 when a project does not meet its expectations, 2 for an unknown name."""
    restore_defaults()
    every = names()
    if unknown := [name for name in argv if name not in every]:
        print(f"Unknown: {', '.join(unknown)}. Known: {', '.join(every)}", file=sys.stderr)
        return 2
    with ThreadPoolExecutor(AT_ONCE) as pool:
        served = list(pool.map(_serve, argv or every))
    rows = [row for row, _ in served]
    failures = [each for _, found in served for each in found]
    width = max(len(name) for name, *_ in rows)
    for name, took, verdict in rows:
        print(f"{name:{width}}  {took:>5}  {verdict}")
    for each in failures:
        print(f"\n{each}")
    return 1 if failures else 0


def _serve(name: str) -> tuple[tuple[str, str, str], list[str]]:
    """Return the project's row of the table, and each expectation that it does not meet."""
    expected, since = read(name), time.monotonic()
    found = check(expected)
    row = (name, f"{time.monotonic() - since:.0f} s", "FAILED" if found else "ok")
    print("  ".join((*row, expected.title)), file=sys.stderr, flush=True)
    return row, [f"{name}: {each}" for each in found]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
