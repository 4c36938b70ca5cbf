"""A stack with special settings for a stop: a delay, sockets that wait, programs that differ."""

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from harness.client import ask, wait_for
from harness.projects import with_channels
from harness.stack import Up, tandem

STOP_S, DELAY_S = 8, 2
# From the end of the delay: its last quarter is that of the servers.
WINDOW_S = STOP_S - DELAY_S - 1.5
RESTART = 1012

pytestmark = pytest.mark.timed

PROGRAM = """
import os
import signal
import time

def stop(number, frame):
    print("got", signal.Signals(number).name, flush=True)
    raise SystemExit(0)

signal.signal(signal.SIGINT, stop)
print("queue", os.environ["QUEUE"], "niceness", os.nice(0), flush=True)
while True:
    time.sleep(60)
"""
TANDEM = {
    # TANDEM_STOP_S replaces it, also after a reload by a shell that does not have the variable.
    "STOP_S": 60,
    "STOP_DELAY_S": DELAY_S,
    "DRAIN_S": 2,
    "ASGI": {"WORKERS": 1},
    "PROGRAMS": {
        "tasks": {
            "COMMAND": [sys.executable, "program.py"],
            "STOP_SIGNAL": "INT",
            "NICE": 3,
            "ENV": {"QUEUE": "mail"},
            "REPLICAS": 2,
        }
    },
}


@pytest.fixture(scope="module")
def up(tmp_path_factory) -> Iterator[Up]:
    directory = with_channels(tmp_path_factory.mktemp("stopping"))
    (directory / "program.py").write_text(PROGRAM)
    with (directory / "mysite" / "settings.py").open("a") as settings:
        settings.write(f"\nTANDEM = {TANDEM!r}\n")
    with Up(directory, environment={"TANDEM_STOP_S": str(STOP_S)}) as running:
        yield running


def programs(directory: Path) -> dict[str, str]:
    status = json.loads(tandem(directory, "status", "--json").stdout)
    found = {each["program"]: each["state"] for each in status["processes"]}
    return {name: state for name, state in found.items() if name.startswith("tasks")}


def logged(directory: Path, name: str) -> list[str]:
    return tandem(directory, "logs", name).stdout.splitlines()


def test_each_replica_has_a_name_and_a_log(up) -> None:
    """And the environment, the niceness and the signal of its entry; also after a reload."""
    lines = ["tasks-1-1  | queue mail niceness 3", "tasks-2-1  | queue mail niceness 3"]
    assert programs(up.directory).keys() == {"tasks-1-1", "tasks-2-1"}
    wait_for(lambda: logged(up.directory, "tasks") == lines)
    assert logged(up.directory, "tasks-2") == lines[1:]

    reloaded = tandem(up.directory, "reload", "--wait")

    assert reloaded.returncode == 0, reloaded.stderr
    assert programs(up.directory).keys() == {"tasks-1-2", "tasks-2-2"}
    assert "got SIGINT" in (up.run_dir / "tasks-1-1.log").read_text()


def test_a_stop_serves_during_its_delay_and_leaves_sockets_open(up) -> None:
    """The readiness check fails at once; with `--drain wait` no socket is closed before the end."""

    async def stop() -> list[float]:
        async with aiohttp.ClientSession() as session:
            url = f"{up.url}/echo/one/"
            sockets = [await session.ws_connect(url, origin=up.url) for _ in range(5)]
            for socket in sockets:
                await socket.send_str("x")
                await socket.receive()
            began = time.monotonic()
            down = asyncio.create_task(
                asyncio.to_thread(tandem, up.directory, "down", "--drain", "wait")
            )
            await asyncio.to_thread(up.wait_for, "stopping: ")
            marked = time.monotonic()
            statuses = [
                (await asyncio.to_thread(ask, up.port, path)).status
                for path in ("/.tandem/ready", "/announce/?text=x")
            ]
            still_serving_s = time.monotonic() - marked
            closed = await asyncio.gather(*(_close(socket) for socket in sockets))
            done = await down
            assert (done.returncode, done.stderr) == (
                0,
                f"Stopping takes {STOP_S + 1} s at most: the stack still serves for {DELAY_S} s "
                "and then waits for 5 connections.\nStopped.\n",
            )
            assert statuses == [503, 200]
            assert still_serving_s < DELAY_S
            assert {socket.close_code for socket in sockets} == {RESTART}
            assert time.monotonic() - began < STOP_S + 5
            return [at - marked for at in closed]

    closed_s = asyncio.run(stop())

    assert up.wait() == 0
    assert min(closed_s) > DELAY_S + 0.8 * WINDOW_S
    assert max(closed_s) < STOP_S


async def _close(socket: aiohttp.ClientWebSocketResponse) -> float:
    while (await socket.receive()).type is aiohttp.WSMsgType.TEXT:
        pass
    return time.monotonic()
