"""How many watch a lot of the example, over several processes, one of which is killed."""

import asyncio
import json
import os
import shutil
import signal
from contextlib import AsyncExitStack

import aiohttp
import psutil
import pytest

from django_tandem.inprocess.worker_process import process_name
from django_tandem.runtime import supervisord
from harness.stack import Up

SETTINGS = """
from config.settings import *
TANDEM = {"WSGI": {"WORKERS": 1}, "ASGI": {"WORKERS": 2}, "MONITOR": False}
"""
DEADLINE_S = 120

# Two processes start, one dies and is forgotten after a quarter of a minute.
pytestmark = pytest.mark.timeout(360)


@pytest.fixture
def up(prepared_example, tmp_path):
    shutil.copytree(prepared_example, tmp_path, dirs_exist_ok=True)
    (tmp_path / "two_workers.py").write_text(SETTINGS)
    environment = {"DJANGO_SETTINGS_MODULE": "two_workers"}
    with Up(tmp_path, environment=environment) as running:
        yield running


class Page:
    """A socket on the first lot, and what it was sent last."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.watching = 0
        self.reading = asyncio.create_task(self._read(socket))

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for message in socket:
            reported = json.loads(message.data)
            self.watching = reported.get("watching", self.watching)


def test_processes_count_together_and_forget_one_that_is_killed(up) -> None:
    """Each page gets the whole count; when a process is killed, its pages are subtracted."""
    opened, left = asyncio.run(_scenario(up))

    assert 0 < left < opened


async def _scenario(up: Up) -> tuple[int, int]:
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession(headers={"Origin": up.url}))
        workers, pages = _workers(up), []
        # Whoever of the processes is quicker takes a socket in, so it may take many.
        async with asyncio.timeout(DEADLINE_S):
            while not all(map(_holds_sockets, workers)):
                opened = session.ws_connect(f"{up.url}/ws/lots/1/")
                pages.append(Page(await stack.enter_async_context(opened)))
        await _until_all_are_told(pages)

        os.kill(workers[0].pid, signal.SIGKILL)

        async with asyncio.timeout(DEADLINE_S):
            while not any(page.reading.done() for page in pages):
                await asyncio.sleep(0.05)
        await _until_all_are_told(pages)
        return len(pages), sum(not page.reading.done() for page in pages)


async def _until_all_are_told(pages: list[Page]) -> None:
    """Wait until each page that is still there was sent how many are."""
    async with asyncio.timeout(DEADLINE_S):
        while {page.watching for page in pages if not page.reading.done()} != {
            sum(not page.reading.done() for page in pages)
        }:
            await asyncio.sleep(0.05)


def _workers(up: Up) -> list[psutil.Process]:
    children = psutil.Process(supervisord.pid_of(up.run_dir, "master-1")).children()
    return [child for child in children if child.name() == process_name("asgi")]


def _holds_sockets(worker: psutil.Process) -> bool:
    # What was taken in goes by the name of the socket that listens, which is one itself.
    held = worker.net_connections(kind="unix")
    return sum("/asgi-" in str(each.laddr) for each in held) > 1
