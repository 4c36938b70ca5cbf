"""
Run every test on each pair of Python and Django that this machine has interpreters for.

`make test-all` calls it. Each pair gets a virtual environment of its own below .venvs/, and a line
in the table at the end; an interpreter that is missing is named there too.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
# Django's own table of what it supports.
DJANGOS = {"5.2": PYTHONS, "6.0": PYTHONS[1:], "6.1": PYTHONS[1:]}


@dataclass(frozen=True, kw_only=True)
class Pair:
    """One Python with one Django; ``program`` is None where the interpreter is missing."""

    python: str
    django: str
    program: str | None


def pairs() -> Iterator[Pair]:
    """Yield each pair that Django supports."""
    for python in PYTHONS:
        program = interpreter(python)
        for django, supported in DJANGOS.items():
            if python in supported:
                yield Pair(python=python, django=django, program=program)


def interpreter(version: str) -> str | None:
    """Return the interpreter on PATH, or one that pyenv keeps."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    kept = sorted(pyenv.glob(f"{version}.*/bin/python"), reverse=True)
    candidates = [shutil.which(f"python{version}"), *map(str, kept)]
    return next((each for each in candidates if each and _runs(each, version)), None)


def _runs(program: str, version: str) -> bool:
    # pyenv's shims stand on PATH for versions that are not switched on.
    done = subprocess.run([program, "-V"], capture_output=True, text=True, check=False)
    return done.returncode == 0 and done.stdout.startswith(f"Python {version}.")


def run(pair: Pair) -> str:
    """Run `make test` for the pair and return what came of it in a word."""
    if pair.program is None:
        return "no interpreter"
    settings = {
        "PYTHON": pair.program,
        "VENV": f".venvs/{pair.python}-{pair.django}",
        "DJANGO": f"django~={pair.django}.0",
    }
    argv = ["make", "tests", *(f"{name}={value}" for name, value in settings.items())]
    return "passed" if subprocess.run(argv, cwd=ROOT, check=False).returncode == 0 else "FAILED"


def main() -> int:
    """Run all, print the table, and return 1 when one of them failed or none could run."""
    words = {pair: run(pair) for pair in pairs()}
    for pair, word in words.items():
        print(f"Python {pair.python}  Django {pair.django}  {word}")
    return 0 if "passed" in words.values() and "FAILED" not in words.values() else 1


if __name__ == "__main__":
    sys.exit(main())
