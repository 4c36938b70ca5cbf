"""Several processes of WebSocket clients, as one load."""

import asyncio
import json
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import replace
from types import TracebackType
from typing import IO, Any, cast

from django_tandem.bench.fanout_workload import (
    ClientCounts,
    FanoutJob,
    decode_counts,
    encode_job,
    total_counts,
)
from django_tandem.errors import RefusedError

# -P: the project in the working directory may have modules of the same names.
CLIENTS = (sys.executable, "-P", "-m", "django_tandem.bench.fanout_process")
# A process that holds more would fall behind its messages.
PER_PROCESS = 5000
STOP_S = 10


def processes_for(count: int, cpus: int) -> int:
    """Return how many processes hold ``count`` clients: two where there are CPUs for them."""
    least = -(-count // PER_PROCESS)
    return max(least, min(2, cpus, count))


class FanoutLoad:
    """A context in which processes of clients run; each command goes to all of them."""

    def __init__(self, job: FanoutJob, processes: int, argv: Sequence[str] = CLIENTS) -> None:
        self._jobs = [replace(job, sources=each) for each in _shared(job.sources, processes)]
        self._argv = argv
        self._clients: list[_ClientProcess] = []

    async def __aenter__(self) -> "FanoutLoad":
        """Start the processes."""
        try:
            for job in self._jobs:
                # A pipe that nobody reads would fill.
                errors = tempfile.TemporaryFile()  # noqa: SIM115
                process = await asyncio.create_subprocess_exec(
                    *self._argv, stdin=PIPE, stdout=PIPE, stderr=errors, limit=1 << 24
                )
                self._clients.append(_ClientProcess(process, job, errors))
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        return self

    async def __aexit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        """Cut all connections, and stop the processes."""
        await asyncio.gather(*(each.stop() for each in self._clients))

    async def open(self, count: int) -> ClientCounts:
        """Have ``count`` WebSockets open, and return the counts so far."""
        numbers = _divided(count, len(self._clients))
        await asyncio.gather(
            *(
                each.call("open", number)
                for each, number in zip(self._clients, numbers, strict=True)
            )
        )
        return await self.counts()

    async def counts(self) -> ClientCounts:
        """Return what all clients counted since the last reset."""
        replies = await asyncio.gather(*(each.call("counts") for each in self._clients))
        return total_counts(map(decode_counts, replies))

    async def reset(self) -> None:
        """Reset the counts."""
        await asyncio.gather(*(each.call("reset") for each in self._clients))

    async def send(self, text: str) -> int:
        """
        Send a message with a stamp on one WebSocket, and return the stamp.

        Raises RefusedError where none is open.
        """
        for each in self._clients:
            if stamp := await each.call("send", text):
                return cast(int, stamp)
        raise RefusedError(
            "All WebSockets were closed.",
            hint="The log of the servers says why: `tandem logs`, for a stack of `tandem up`.",
        )

    async def stall(self, count: int, text: str = "") -> None:
        """Have some clients send ``text``, and read nothing from then on."""
        await self._clients[0].call("stall", count, text)

    async def resume(self) -> None:
        """Have those that stall read again."""
        await self._clients[0].call("resume")

    async def count_undelivered(self, stamp: int, settled_s: float) -> int:
        """Return how many that opened so long before ``stamp`` have not received it."""
        calls = (
            each.call("count_undelivered", stamp, int(settled_s * 1e9)) for each in self._clients
        )
        return sum(await asyncio.gather(*calls))

    async def wait_received(self, stamp: int, within_s: float) -> bool:
        """Return whether all clients receive ``stamp``, or a newer one, within so many seconds."""
        try:
            async with asyncio.timeout(within_s):
                await asyncio.gather(*(each.wait_received(stamp) for each in self._clients))
        except TimeoutError:
            return False
        return True


class _ClientProcess:
    """One process, and the messages to and from it."""

    def __init__(self, process: Process, job: FanoutJob, errors: IO[bytes]) -> None:
        self._process = process
        self._errors = errors
        # Commands are answered in their order, also to callers that no longer wait.
        self._replies: deque[asyncio.Future[Any]] = deque()
        self._newest = 0
        self._has_newer = asyncio.Event()
        self._ends = False
        self._write(encode_job(job))
        self._reading = asyncio.create_task(self._read())

    async def call(self, name: str, *arguments: object) -> Any:
        """Send a command, and return its reply; raises RefusedError when the process ends."""
        if self._ends:
            raise self._failure()
        reply: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._replies.append(reply)
        self._write(json.dumps([name, *arguments]))
        return await reply

    async def wait_received(self, stamp: int) -> None:
        """Return once all of its clients have ``stamp``, or a newer one."""
        while self._newest < stamp:
            self._has_newer.clear()
            await self._has_newer.wait()
            if self._ends:
                raise self._failure()

    async def stop(self) -> None:
        """End its input, which ends it."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            async with asyncio.timeout(STOP_S):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        finally:
            self._reading.cancel()
            self._errors.close()

    def _write(self, line: str) -> None:
        if self._process.stdin is not None:
            self._process.stdin.write(f"{line}\n".encode())

    async def _read(self) -> None:
        output = cast(asyncio.StreamReader, self._process.stdout)
        async for line in output:
            message = json.loads(line)
            if "reply" in message:
                waiting = self._replies.popleft()
                if not waiting.done():
                    waiting.set_result(message["reply"])
            else:
                self._newest = max(self._newest, message["received"])
                self._has_newer.set()
        self._ends = True
        for waiting in self._replies:
            if not waiting.done():
                waiting.set_exception(self._failure())
        self._has_newer.set()

    def _failure(self) -> RefusedError:
        self._errors.seek(0)
        why = self._errors.read()[-500:].decode(errors="replace").strip() or "it ended"
        return RefusedError(f"The load generator failed: {why}", hint="This is a bug in tandem.")


def _divided(count: int, parts: int) -> list[int]:
    return [count // parts + (number < count % parts) for number in range(parts)]


def _shared(sources: Sequence[str], parts: int) -> Iterable[tuple[str, ...]]:
    """Give each process its own addresses where there are enough, and else the same."""
    for number in range(parts):
        yield tuple(sources[number::parts]) or tuple(sources)
