"""
Break the edge, the pool, the master and the way from root, and see that the tests notice.

`make mutants` calls it; arguments, such as logs, choose modules of `breakage`. Each breakage is
made in a copy of the project, where the tests that should notice are run; one that none of them
notices is a hole in the tests. Below each is where the test failed, and its error: one that has
nothing to do with the breakage, such as pytest's time limit, has not noticed it.
"""

import os
import pkgutil
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path

import breakage
from breakage.mutant import Mutant

ROOT = Path(__file__).parents[2]
COPIED = ("src", "tests", "pyproject.toml")
# pytest's own code for "tests were run, and some failed": any other one is no answer.
FAILED = 1
# By the module that has them.
SUBJECTS = {
    name: import_module(f"breakage.{name}").MUTANTS
    for _, name, _ in pkgutil.iter_modules(breakage.__path__)
    if name not in ("mutant", "test_mutants")
}


def main(chosen: list[str]) -> int:
    """Make each breakage, print who noticed, and return 1 when nobody did."""
    if unknown := [name for name in chosen if name not in SUBJECTS]:
        print(f"Unknown: {', '.join(unknown)}. Known: {', '.join(SUBJECTS)}", file=sys.stderr)
        return 2
    mutants = [mutant for name in chosen or SUBJECTS for mutant in SUBJECTS[name]]
    with tempfile.TemporaryDirectory(prefix="tandem-") as path:
        copy = Path(path)
        # Some tests run it as another user.
        copy.chmod(0o755)
        for name in COPIED:
            copied = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copied(ROOT / name, copy / name)
        every = dict.fromkeys(test for mutant in mutants for test in mutant.tests)
        code, failed, error = run(copy, every)
        if code != 0:
            print(f"The tests fail with nothing broken: {failed or code}", file=sys.stderr)
            print(f"    {error}", file=sys.stderr)
            return 1
        survivors = [mutant.name for mutant in mutants if not is_caught(copy, mutant)]
    print(f"{len(mutants) - len(survivors)} of {len(mutants)} mutants caught.")
    return 1 if survivors else 0


def is_caught(copy: Path, mutant: Mutant) -> bool:
    """Break the copy, run the tests that should notice, and mend it."""
    broken = copy / "src" / "django_tandem" / mutant.file
    whole = broken.read_text()
    if whole.count(mutant.old) != 1:
        raise SystemExit(f"{mutant.name}: {mutant.old!r} is not in {mutant.file} once.")
    broken.write_text(whole.replace(mutant.old, mutant.new))
    started = time.monotonic()
    code, failed, error = run(copy, mutant.tests)
    broken.write_text(whole)
    verdict = failed if code == FAILED and failed else f"SURVIVED ({code})"
    print(f"{mutant.name:46}  {verdict:52}  {time.monotonic() - started:5.1f} s")
    print(f"    {error}", flush=True)
    return code == FAILED and bool(failed)


def run(copy: Path, tests: Iterable[str]) -> tuple[int, str, str]:
    """Run tests of the copy until one fails; return pytest's exit code, its name and its error."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-xq", "-p", "no:cacheprovider", *tests],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy / "src"), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search(r"^FAILED \S+::(\S+)", done.stdout, re.MULTILINE)
    name = found[1] if found else ""
    # The line of the test, not of what it calls, whose errors are of many tests.
    lines = (re.search(rf"^{mark} +(.+)", done.stdout, re.MULTILINE) for mark in ">E")
    error = "  # ".join(line[1] for line in lines if line)
    return done.returncode, re.sub(r"^\w+\[(.+)\]$", r"\1", name), error


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
