"""
Run labels of Django's own test suite twice, stock and with our handler in Django's place.

`make test-django` calls it; LABELS="csrf_tests sessions_tests" selects others. It prints the
counts of both runs and what went through which handler, and names every test that only ours fails.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from source import unpacked

LABELS = ("asgi", "async", "handlers", "middleware_exceptions", "signals", "deprecation")
RUN = Path(__file__).with_name("run.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one run of the suite came to; outcomes by the id of their test."""

    passed: frozenset[str]
    failed: frozenset[str]
    errors: frozenset[str]
    skipped: frozenset[str]
    requests: dict[str, int]
    seconds: float

    @property
    def all(self) -> frozenset[str]:
        return self.passed | self.failed | self.errors | self.skipped

    @property
    def counts(self) -> str:
        return (
            f"{len(self.all)} run, {len(self.failed)} failed, {len(self.errors)} errors, "
            f"{len(self.skipped)} skipped"
        )


def run(handler: str, tests: Path, labels: list[str], parallel: int) -> Run:
    """Run the labels in their own process; raises RuntimeError when that left no report."""
    with tempfile.TemporaryDirectory(prefix="suite-") as scratch:
        report = Path(scratch, "report.json")
        argv = [sys.executable, str(RUN), handler, str(report), f"--parallel={parallel}", *labels]
        started = time.perf_counter()
        done = subprocess.run(argv, cwd=tests, check=False)
        seconds = time.perf_counter() - started
        if not report.exists():
            raise RuntimeError(f"the {handler} run ended with {done.returncode} and no report")
        found = json.loads(report.read_text())
    requests = found.pop("requests")
    ids = {outcome: frozenset(each) for outcome, each in found.items()}
    return Run(**ids, requests=requests, seconds=seconds)


def complaints(stock: Run, ours: Run) -> list[str]:
    """Return a line for each test that ours fails or leaves out and stock does not."""
    failed = (ours.failed | ours.errors) - (stock.failed | stock.errors)
    lines = [f"fails with ours and not stock: {test}" for test in sorted(failed)]
    left_out = stock.passed - ours.passed - failed
    lines += [f"passes stock and was not run with ours: {test}" for test in sorted(left_out)]
    if ours.requests["django"]:
        lines.append(f"{ours.requests['django']} requests still went through Django's handlers")
    # Tests of signals or of deprecation alone ask nothing; what stock was asked, ours must be.
    if stock.requests["django"] and not ours.requests["ours"]:
        lines.append("no request went through our handler: it was not in Django's place")
    return lines


def main() -> int:
    """Print the two counts, and return 1 when ours fails what stock passes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("labels", nargs="*", default=LABELS)
    parser.add_argument("--parallel", type=int, default=1, help="processes a run")
    options = parser.parse_args()
    tests = unpacked() / "tests"
    runs = {
        name: run(name, tests, list(options.labels), options.parallel) for name in ("stock", "ours")
    }
    lines = complaints(runs["stock"], runs["ours"])
    print("\n".join(lines), flush=True)
    for name, each in runs.items():
        asked = ", ".join(f"{count} requests by {by}" for by, count in each.requests.items())
        print(f"{name:>5}: {each.counts}; {asked}; {each.seconds:.0f} s")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
