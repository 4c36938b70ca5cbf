"""`tandem` for one project again and again in one process, which imports the project once."""

import json
import subprocess
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Self

from harness.stack import clean_environment

LOOP = """
import contextlib, io, json, sys

from django_tandem.cli import main

for line in sys.stdin:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main(json.loads(line))
        except SystemExit as ended:
            code = ended.code
    print(json.dumps([code, out.getvalue(), err.getvalue()]), flush=True)
"""


class Repeated(AbstractContextManager["Repeated"]):
    """A process in ``directory`` that runs one command line after the other."""

    def __init__(self, directory: Path, **environment: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", LOOP],
            cwd=directory,
            env=clean_environment() | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: Any) -> None:
        self._process.communicate(timeout=30)

    def run(self, *args: str) -> subprocess.CompletedProcess[str]:
        """Run one command line to its end."""
        self._process.stdin.write(f"{json.dumps(args)}\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, f"it ended with {self._process.wait()}"
        return subprocess.CompletedProcess(args, *json.loads(answer))
