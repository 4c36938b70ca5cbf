"""The documented container: process 1 hangs, the run directory is full, nobody reads stdout."""

import asyncio
import contextlib
import os
import re
import signal
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import aiohttp
import psutil
from faults.row import Bound, Fault, Row

from harness.client import wait_for
from harness.containers import UNPRIVILEGED, Container
from harness.images import build
from harness.stack import DEADLINE_S

SITE = Path(__file__).parents[1] / "containers" / "site"
PATHS = ("/who/", "/wait/{}/")
RATE = 50
SOCKETS = 20
WHERE = ("--run-dir", "/run/tandem")
# Of a command from its request to its end: process 1 does not answer, and it waits for 10 s.
HUNG_S = 15
# `docker stop` of a process 1 that hangs ends by SIGKILL.
GRACE_S = 2
KILLED = 128 + signal.SIGKILL
# Small, so that it is filled at once.
DISK = ("--read-only", "--read-only-tmpfs=false", "--tmpfs=/run:size=16m", "--volume=/var/tmp")
# More than the pipe, and more than the log multiplexer keeps for a reader: 64 KiB and 1 MiB.
FLOOD = 6000
LONG_PATH = f"/who/{'x' * 400}/"
LEFT_OUT = "lines left out"


@dataclass
class Visitors:
    """Requests at a steady rate and sockets that are held, all of one container."""

    url: str
    sent: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    closes: list[int] = field(default_factory=list)

    async def request(self, session: aiohttp.ClientSession, path: str) -> None:
        """Send one request and count how it failed."""
        self.sent += 1
        try:
            async with session.get(self.url + path) as answer:
                await answer.read()
                if answer.status != 200:
                    self.failed[f"status {answer.status}"] += 1
        except (aiohttp.ClientError, TimeoutError) as error:
            self.failed[type(error).__name__] += 1

    async def hold(self, session: aiohttp.ClientSession) -> None:
        """Hold one socket, and note a close."""
        socket = await session.ws_connect(f"{self.url}/ws/")
        async for _ in socket:
            pass
        self.closes.append(socket.close_code or 1006)

    def row(self, *, notes: tuple[str, ...] = (), **bounds: Bound) -> Row:
        """Return the row: no request fails and no socket is closed by any of these faults."""
        untouched = {
            "failed requests": Bound(value=self.failed.total(), at_most=0),
            "closed sockets": Bound(value=len(self.closes), at_most=0),
        }
        named = {name.replace("_", " "): bound for name, bound in bounds.items()}
        return Row(
            sent=self.sent,
            failed=dict(self.failed),
            sockets=SOCKETS,
            closes=dict(Counter(self.closes)),
            bounds=untouched | named,
            notes=notes,
        )


@contextmanager
def served() -> Iterator[Container]:
    """Run the image of the site, with a directory of the host's for what its views record."""
    with tempfile.TemporaryDirectory(prefix="faults-", dir="/tmp") as data:
        Path(data).chmod(0o777)
        given = (*UNPRIVILEGED, *DISK, "--volume", f"{data}:/data")
        with Container(image=build(SITE, "containers"), options=given) as container:
            yield container


@asynccontextmanager
async def visited(container: Container, *, rate: float, sockets: int) -> AsyncIterator[Visitors]:
    """Load the container until the end of the block."""
    visitors = Visitors(container.url)
    limits = {"connector": aiohttp.TCPConnector(limit=0), "timeout": aiohttp.ClientTimeout(30)}
    async with aiohttp.ClientSession(**limits) as session:
        held = [asyncio.create_task(visitors.hold(session)) for _ in range(sockets)]
        sending = asyncio.create_task(_send(visitors, session, rate))
        try:
            yield visitors
        finally:
            sending.cancel()
            await asyncio.wait([sending])
            for task in held:
                task.cancel()
            await asyncio.gather(*held, return_exceptions=True)


async def _send(visitors: Visitors, session: aiohttp.ClientSession, rate: float) -> None:
    async with asyncio.TaskGroup() as requests:
        try:
            for number in range(1_000_000):
                path = PATHS[number % len(PATHS)].format(number)
                requests.create_task(visitors.request(session, path))
                await asyncio.sleep(1 / rate)
        except asyncio.CancelledError:
            # The group waits for the requests that were sent.
            return


async def hang(container: Container, *, rate: float, sockets: int) -> Row:
    """Stop process 1 by SIGSTOP, look at it, continue it, stop it again and end the container."""
    first = int(container.inspect("Pid"))
    async with visited(container, rate=rate, sockets=sockets) as visitors:
        os.kill(first, signal.SIGSTOP)
        status, of_status_s = await _hung(container, "status")
        health = await asyncio.to_thread(container.podman, "healthcheck", "run", container.name)
        os.kill(first, signal.SIGCONT)
        mended = await _run(container, "tandem", "status", *WHERE)
    os.kill(first, signal.SIGSTOP)
    # Last, for its request would be read as soon as process 1 is continued.
    down, of_down_s = await _hung(container, "down")
    began = time.monotonic()
    await asyncio.to_thread(container.podman, "stop", "--time", str(GRACE_S), container.name)
    code, took_s = container.wait(), time.monotonic() - began
    return visitors.row(
        exit_code_of_status=Bound(value=status.returncode, at_least=1, at_most=1),
        exit_code_of_the_health_check=Bound(value=health.returncode, at_least=1, at_most=1),
        exit_code_of_down=Bound(value=down.returncode, at_least=1, at_most=1),
        seconds_of_a_request=Bound(value=max(of_status_s, of_down_s), at_most=HUNG_S),
        exit_code_of_status_once_continued=Bound(value=mended.returncode, at_most=0),
        exit_code_of_the_container=Bound(value=code, at_least=KILLED, at_most=KILLED),
        seconds_of_its_stop=Bound(value=took_s, at_most=GRACE_S + 3),
        notes=(*status.stderr.splitlines(), *down.stderr.splitlines()),
    )


async def _hung(container: Container, command: str):
    """Run a command of tandem; return it, and the seconds from its request to its end."""
    space = Path("/proc", container.inspect("Pid"), "ns/pid").readlink()
    done, took_s = await asyncio.gather(
        _run(container, "tandem", command, *WHERE),
        asyncio.to_thread(_time_request, space, command),
    )
    return done, took_s


def _time_request(space: Path, command: str) -> float:
    # Not from the start of the command, which takes seconds on a loaded machine.
    process = wait_for(lambda: _requesting(space, command), within_s=DEADLINE_S)
    began = time.monotonic()
    process.wait(DEADLINE_S)
    return time.monotonic() - began


def _requesting(space: Path, command: str) -> psutil.Process | None:
    """Return the process of a command once it has a socket: that to supervisord is the only one."""
    for process in psutil.process_iter():
        # It may end meanwhile.
        with contextlib.suppress(psutil.NoSuchProcess, OSError):
            name, *rest = process.cmdline()[1:3] or [""]
            if (Path(name).name, rest) != ("tandem", [command]):
                continue
            directory = Path("/proc", str(process.pid))
            files = [str(each.readlink()) for each in (directory / "fd").iterdir()]
            is_inside = (directory / "ns/pid").readlink() == space
            if is_inside and any(file.startswith("socket:") for file in files):
                return process
    return None


async def fill_disk(container: Container, *, rate: float, sockets: int) -> Row:
    """Fill the run directory's tmpfs, reload in vain, make room and reload again."""
    async with visited(container, rate=rate, sockets=sockets) as visitors:
        fill = "cat /dev/zero > /run/fill; test -s /run/fill"
        assert (await _run(container, "sh", "-c", fill)).returncode == 0
        refused = await _run(container, "tandem", "reload")
        # A line in the log of each request does not fit.
        await asyncio.sleep(2)
        await _run(container, "rm", "/run/fill")
    mended = await _run(container, "tandem", "reload", "--wait")
    return visitors.row(
        exit_code_of_reload=Bound(value=refused.returncode, at_least=1, at_most=2),
        exit_code_of_reload_once_there_is_room=Bound(value=mended.returncode, at_most=0),
        notes=(*refused.stderr.splitlines(), *mended.stderr.splitlines()[-2:]),
    )


async def stall_output(container: Container, *, rate: float, sockets: int) -> Row:
    """Stop the process that reads the container's stdout, and fill the pipe by access lines."""
    reader = int(container.inspect("ConmonPid"))
    async with visited(container, rate=rate, sockets=sockets) as visitors:
        os.kill(reader, signal.SIGSTOP)
        try:
            await _flood(visitors)
            status = await _run(container, "tandem", "status", *WHERE)
        finally:
            os.kill(reader, signal.SIGCONT)
    await asyncio.to_thread(wait_for, lambda: LEFT_OUT in container.output)
    counts = re.findall(rf"(\d+) {LEFT_OUT}", container.output)
    return visitors.row(
        exit_code_of_status=Bound(value=status.returncode, at_most=0),
        notes=(f"{sum(map(int, counts))} {LEFT_OUT}",),
    )


async def _flood(visitors: Visitors) -> None:
    async with aiohttp.ClientSession() as session:
        for _ in range(FLOOD // 50):
            await asyncio.gather(*(visitors.request(session, LONG_PATH) for _ in range(50)))


async def _run(container: Container, *command: str):
    return await asyncio.to_thread(container.execute, *command)


async def in_container(
    do: Callable[..., Awaitable[Row]], *, rate: float = RATE, sockets: int = SOCKETS
) -> Row:
    """Inject a fault into a separate container."""
    with served() as container:
        return await do(container, rate=rate, sockets=sockets)


FAULTS = tuple(
    Fault(name=name, run=partial(in_container, do))
    for name, do in (
        ("stopped-supervisord", hang),
        ("full-disk", fill_disk),
        ("full-stdout", stall_output),
    )
)
