"""The output of the `tandem` command about this project, cached for a while."""

import asyncio
import contextlib
import json
import math
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any
from weakref import WeakKeyDictionary

from django.conf import settings

LONGEST_S = 20
ASK_AGAIN_AFTER_S = 30
# The exit code of `tandem status` when nothing runs.
NOTHING_RUNS = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The command's JSON; without it, `sorry` is the reason in a sentence."""

    output: Any = None
    sorry: str = ""


class Kept:
    """
    The answer of one command, asked for when somebody reads it and it is older than `for_s`.

    Of many who read at once one asks and all have its answer. What went wrong is
    kept too, for a while, so that nobody asks in vain all the time.
    """

    def __init__(self, *args: str, for_s: float) -> None:
        self._args = args
        self._for_s = for_s
        self._answer = Answer()
        self._until = -math.inf
        # A lock is its event loop's, and without an ASGI server each request has a loop.
        self._turns: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = (
            WeakKeyDictionary()
        )

    async def read(self) -> Answer:
        """Return the answer, at most `for_s` seconds old."""
        async with self._turns.setdefault(asyncio.get_running_loop(), asyncio.Lock()):
            if monotonic() >= self._until:
                self._answer = await _ask(self._args)
                sorry_for_s = min(self._for_s, ASK_AGAIN_AFTER_S)
                self._until = monotonic() + (sorry_for_s if self._answer.sorry else self._for_s)
            return self._answer


async def _ask(args: tuple[str, ...]) -> Answer:
    command = _command()
    if command is None:
        return Answer(sorry="The command tandem is not installed here.")
    code, printed = await _printed([command, *args, "--json"])
    if code == NOTHING_RUNS:
        return Answer(sorry="Not served by tandem: start it with `tandem up` to see both stacks.")
    try:
        return Answer(output=json.loads(printed))
    except ValueError:
        return Answer(sorry=f"`tandem {args[0]}` could not be read. It is tried again.")


def _command() -> str | None:
    # Beside this interpreter first, for a server's PATH need not name the virtual environment.
    beside = str(Path(sys.executable).parent)
    return shutil.which("tandem", path=beside) or shutil.which("tandem")


async def _printed(argv: list[str]) -> tuple[int | None, bytes]:
    """Return the exit code and stdout; no code for a command that takes too long."""
    process = await asyncio.create_subprocess_exec(
        *argv,
        cwd=settings.BASE_DIR,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(LONGEST_S):
            printed, _ = await process.communicate()
    except TimeoutError:
        return None, b""
    finally:
        # The caller may have left by now, and the command must not outlive the question.
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
    return process.returncode, printed
