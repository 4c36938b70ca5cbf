"""Serve each project in turn and print a table: ``python -m strangers [NAME …]``."""

import sys
import time

from harness.signals import restore_defaults
from strangers.expectations import names, read
from strangers.serve import check


def main(argv: list[str]) -> int:
    """Return 1 when a project does not meet its expectations, 2 for an unknown name."""
    restore_defaults()
    every = names()
    if unknown := [name for name in argv if name not in every]:
        print(f"Unknown: {', '.join(unknown)}. Known: {', '.join(every)}", file=sys.stderr)
        return 2
    rows, failures = [], []
    for name in argv or every:
        expected, since = read(name), time.monotonic()
        found = check(expected)
        failures += [f"{name}: {each}" for each in found]
        rows.append((name, f"{time.monotonic() - since:.0f} s", "FAILED" if found else "ok"))
        print("  ".join((*rows[-1], expected.title)), file=sys.stderr, flush=True)
    width = max(len(name) for name, *_ in rows)
    for name, took, verdict in rows:
        print(f"{name:{width}}  {took:>5}  {verdict}")
    for each in failures:
        print(f"\n{each}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
