"""How a container ends: by SIGTERM under load, before it serves, and where process 1 hangs."""

import asyncio
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import aiohttp
import pytest

from harness.containers import READ_ONLY, UNPRIVILEGED, Container

# The first of them builds the image, on a machine that runs other tests at the same time.
pytestmark = pytest.mark.timeout(600)

# What `docker stop` allows by default.
DOCKER_S = 10
REQUESTS_AT_ONCE = 8
SOCKETS = 10
LOAD_S = 2


@dataclass
class Stop:
    """What came of a container that was stopped under load."""

    exit_code: int = -1
    took_s: float = 0.0
    served: set[str] = field(default_factory=set)
    begun: set[str] = field(default_factory=set)
    closes: list[int | None] = field(default_factory=list)
    users: set[str] = field(default_factory=set)
    workers: dict[str, int] = field(default_factory=dict)
    output: str = ""


@pytest.fixture(scope="module")
def stopped(image, tmp_path_factory) -> Iterator[Stop]:
    """One that root starts for the user 1000, on port 80 within, stopped as `docker stop` does."""
    data = tmp_path_factory.mktemp("data")
    data.chmod(0o777)
    options = (*READ_ONLY, "--user", "0", "--cpus", "1", "--volume", f"{data}:/data")
    command = ("tandem", "up", "--user", "1000", "--bind", ":80")
    with Container(image=image, options=options, arguments=command, inside=80) as container:
        workers = container.workers()
        ids = container.execute("sh", "-c", "cat /proc/[0-9]*/status").stdout.splitlines()
        found = asyncio.run(_stop_under_load(container))
        # Of the command that looks, too, which the container runtime starts as root.
        found.users = {line.split()[2] for line in ids if line.startswith("Uid:")} - {"0"}
        found.workers = workers
        found.begun = set((data / "begun").read_text().split())
        found.output = container.output
        yield found


async def _stop_under_load(container: Container) -> Stop:
    found = Stop()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        sockets = [await session.ws_connect(f"{container.url}/ws/") for _ in range(SOCKETS)]
        loads = [
            asyncio.create_task(_request(session, container.url, each, found))
            for each in range(REQUESTS_AT_ONCE)
        ]
        await asyncio.sleep(LOAD_S)
        began = time.monotonic()
        stop = asyncio.to_thread(container.podman, "stop", "--time", str(DOCKER_S), container.name)
        await asyncio.gather(stop, *loads, *(_listen(each, found) for each in sockets))
        found.took_s = time.monotonic() - began
    found.exit_code = container.wait()
    return found


async def _request(session: aiohttp.ClientSession, url: str, number: int, found: Stop) -> None:
    """Send one request after the other, half of them to ASGI, until the port is closed."""
    for count in range(1000):
        key = f"{number}-{count}"
        path = "work" if number % 2 else "wait"
        try:
            async with session.get(f"{url}/{path}/{key}/") as answer:
                if answer.status == 200 and await answer.text() == key:
                    found.served.add(key)
        except aiohttp.ClientConnectionError:
            return


async def _listen(socket: aiohttp.ClientWebSocketResponse, found: Stop) -> None:
    async for _ in socket:
        pass
    found.closes.append(socket.close_code)


def test_a_stop_under_load_fails_no_request_that_has_begun(stopped) -> None:
    """On both stacks, also where the load continues until the port is closed."""
    assert len(stopped.begun) > 2 * REQUESTS_AT_ONCE
    assert stopped.begun <= stopped.served


def test_a_stop_closes_each_websocket_with_1012(stopped) -> None:
    """The code that tells clients that they may reconnect."""
    assert stopped.closes == [1012] * SOCKETS


def test_a_stop_ends_with_0_within_the_time_of_docker(stopped) -> None:
    """It was asked to stop and did; 137 would be a stack that was killed."""
    assert stopped.exit_code == 0
    assert stopped.took_s < DOCKER_S


def test_the_workers_follow_the_cpu_limit(stopped) -> None:
    """Three for one CPU on WSGI and one on ASGI; two CPUs would have five and two."""
    assert stopped.workers == {"wsgi-1": 3, "asgi-1": 1}


def test_started_by_root_everything_runs_as_the_user(stopped) -> None:
    """Port 80 included, and without an entry in /etc/passwd."""
    assert stopped.users == {"1000"}
    assert "Started by root: everything runs as 1000, set by `--user`." in stopped.output


def test_sigterm_before_the_project_is_loaded_ends_the_container_at_once(image) -> None:
    """Process 1 gets no signal that it does not handle."""
    options = (*READ_ONLY, *UNPRIVILEGED, "--env", "STUCK_IMPORT=1")
    with Container(image=image, options=options, ready="The settings are imported.") as container:
        began = time.monotonic()
        container.podman("stop", "--time", str(DOCKER_S), container.name)

        assert container.wait() == 128 + signal.SIGTERM
        assert time.monotonic() - began < DOCKER_S / 2
