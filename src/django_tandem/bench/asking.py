"""One run of the driver: a process that asks, and a word from it when what counts begins."""

import contextlib
import subprocess
import tempfile
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import IO

from django_tandem.bench.measured import Round
from django_tandem.bench.use import Watched
from django_tandem.bench.wire import BEGUN, OVER, Job, read_driven, write
from django_tandem.errors import RefusedError

# What a driver may take beyond its seconds: to open WebSockets, and for the last answers.
BEYOND_S = 120


def ask(
    driver: Sequence[str], job: Job, watching: Callable[[], AbstractContextManager[Watched]]
) -> Round:
    """
    Have the ``driver`` do a job, and watch the topology from when it no longer only warms it.

    Raises RefusedError with its last words for one that ends without a result.
    """
    with (
        tempfile.TemporaryFile("w+") as errors,
        subprocess.Popen(
            driver, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
        ) as process,
    ):
        limit = threading.Timer(job.warm_s + job.seconds + BEYOND_S, process.kill)
        limit.start()
        try:
            _tell(process, job)
            _expect(BEGUN, process, errors)
            with watching() as watched:
                _expect(OVER, process, errors)
            said = _hear(process)
            if process.wait() or not said:
                raise _failed(errors)
        finally:
            limit.cancel()
            process.kill()
    return Round(driven=read_driven(said), use=watched.use)


def _tell(process: subprocess.Popen[str], job: Job) -> None:
    stdin, process.stdin = process.stdin, None
    if stdin is not None:
        # One that has ended already tells why in the end.
        with contextlib.suppress(BrokenPipeError), stdin:
            stdin.write(write(job))


def _expect(word: str, process: subprocess.Popen[str], errors: IO[str]) -> None:
    if _hear(process) != f"{word}\n":
        raise _failed(errors)


def _hear(process: subprocess.Popen[str]) -> str:
    return process.stdout.readline() if process.stdout is not None else ""


def _failed(errors: IO[str]) -> RefusedError:
    errors.seek(0)
    why = errors.read()[-500:].strip() or "no end in its time"
    return RefusedError(f"The load generator ended: {why}", hint="That is an error of tandem's.")
