"""
Run Channels' own test suite twice, stock and with our mailboxes for its consumers.

`make test-channels SOURCE=DIR` calls it, where DIR is a checkout of the installed version: its
source distribution has no tests. It names every test that only ours fails.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree

from harness import sdist

PACKAGES = ("pytest-asyncio", "pytest-django", "async-timeout")
# It needs a browser.
IGNORED = "tests/sample_project/tests/test_selenium.py"


def failed(run: str, source: Path, packages: Path) -> set[str]:
    """Run the suite, and return the tests that did not pass."""
    with tempfile.TemporaryDirectory(prefix="channels-") as scratch:
        # Without the package itself: the installed one is tested.
        shutil.copytree(source / "tests", Path(scratch, "tests"))
        shutil.copy(source / "setup.cfg", scratch)
        report = Path(scratch, "report.xml")
        paths = (str(packages), scratch, str(Path(__file__).parent))
        environ = {**os.environ, "RUN": run, "PYTHONPATH": os.pathsep.join(paths)}
        options = ("-q", "-p", "channels_plugin", "-p", "no:cacheprovider", f"--ignore={IGNORED}")
        argv = [sys.executable, "-m", "pytest", *options, f"--junit-xml={report}", "tests"]
        done = subprocess.run(argv, cwd=scratch, env=environ, check=False)
        cases = list(ElementTree.parse(report).iter("testcase"))
    # 1 is for tests that failed; with any other code nothing of ours was tested.
    if done.returncode not in (0, 1) or not cases:
        sys.exit(f"{run}: pytest ended with {done.returncode}, after {len(cases)} tests.")
    bad = {_name(case) for case in cases if {each.tag for each in case} & {"failure", "error"}}
    print(f"{run:>5}: {len(cases)} run, {len(bad)} failed", flush=True)
    return bad


def _name(case: ElementTree.Element) -> str:
    return f"{case.get('classname')}::{case.get('name')}"


def installed() -> Path:
    """Return where the packages are that the suite needs beside ours."""
    target = sdist.BUILD / "channels-suite" / "packages"
    if not (target / "pytest_django").exists():
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--no-deps", "--target", str(target), *PACKAGES], check=True)
    return target


def main(source: str) -> int:
    """Print the counts of both runs, and return 1 for what only ours fails."""
    stock, ours = (failed(run, Path(source), installed()) for run in ("stock", "ours"))
    for name in sorted(ours - stock):
        print(name)
    return 1 if ours - stock else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
