"""`tandem` for one project again and again in one process, which imports the project once."""

import json
import os
import subprocess
import tempfile
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Self

from harness import forking
from harness.stack import clean_environment

REPEATING = Path(__file__).with_name("repeating.py")


class Repeated(AbstractContextManager["Repeated"]):
    """A process in ``directory`` that runs one command line after the other."""

    def __init__(self, directory: Path, **environment: str) -> None:
        with tempfile.TemporaryDirectory(prefix="tandem-") as place:
            pipe = Path(place, "lines")
            os.mkfifo(pipe)
            # Both ends, which waits for nobody: a process that fails never opens its end.
            self._lines = os.fdopen(os.open(pipe, os.O_RDWR), "w")
            self._process = forking.start(
                [str(REPEATING), str(pipe)], directory, clean_environment() | environment
            )
            # It has opened the pipe.
            self._read()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: Any) -> None:
        self._lines.close()
        with self._process.stdout, self._process.stderr:
            self._process.wait(30)

    def run(self, *args: str) -> subprocess.CompletedProcess[str]:
        """Run one command line to its end."""
        self._lines.write(f"{json.dumps(args)}\n")
        self._lines.flush()
        return subprocess.CompletedProcess(args, *json.loads(self._read()))

    def _read(self) -> str:
        line = self._process.stdout.readline()
        assert line, f"it ended with {self._process.wait()}: {self._process.stderr.read()}"
        return line
