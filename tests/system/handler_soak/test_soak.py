"""
Thousands of requests leave the process as it was: threads, connections, files and tasks.

`make soak` sends twenty thousand, and the tests beside others a quarter of that.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from handler_soak.crowd import Crowd

from harness.postgres import postgres

REQUESTS = int(os.environ.get("SOAK_REQUESTS", "5000"))
WARM = 1_000
THREADS = 4
COUNT = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'soaked'"
UVICORN = ("--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "critical")


@pytest.fixture
def database() -> Iterator[str]:
    with postgres() as url:
        yield url.partition("?host=")[2]


@pytest.fixture
def crowd(database: str) -> Iterator[Crowd]:
    """The clients of a Uvicorn that serves the project of soaked/."""
    with tempfile.TemporaryDirectory(prefix="soak-") as scratch:
        socket = Path(scratch, "s")
        settings = {
            "DJANGO_SETTINGS_MODULE": "soaked.settings",
            "SOAK_POSTGRES": database,
            "SOAK_THREADS": str(THREADS),
        }
        started = {"cwd": Path(__file__).parent, "env": os.environ | settings}
        subprocess.run([sys.executable, "-m", "django", "migrate", "-v0"], check=True, **started)
        argv = [sys.executable, "-m", "uvicorn", "soaked.asgi:application", *UVICORN]
        process = subprocess.Popen([*argv, "--uds", str(socket)], **started)
        try:
            until = time.monotonic() + 30
            while not socket.exists():
                assert process.poll() is None
                assert time.monotonic() < until
                time.sleep(0.05)
            yield Crowd(socket=str(socket))
        finally:
            process.terminate()
            process.wait(timeout=30)


def held(crowd: Crowd, database: str) -> dict[str, int]:
    """What the server holds, as it reports it and as PostgreSQL sees it."""
    with psycopg.connect(host=database, dbname="postgres", user="tandem") as connection:
        row = connection.execute(COUNT).fetchone()
    return asyncio.run(crowd.counts()) | {"connections": row[0]}


def settled(crowd: Crowd, database: str) -> dict[str, int]:
    """What it holds once that stays the same for a second."""
    until = time.monotonic() + 60
    found = [held(crowd, database)]
    while len(found) < 10 or any(each != found[-1] for each in found[-10:]):
        assert time.monotonic() < until, found[-10:]
        time.sleep(0.1)
        found.append(held(crowd, database))
    return found[-1]


@pytest.mark.timeout(600)
def test_requests_leave_nothing_behind(crowd: Crowd, database: str):
    """Async, sync, streamed and aborted requests leave all counts where the first thousand did."""
    asyncio.run(crowd.send(WARM))
    # An overflow may have replaced a thread by one that has run no query yet.
    asyncio.run(crowd.fill())
    before = settled(crowd, database)
    assert before["connections"] == THREADS

    surprises = asyncio.run(crowd.send(REQUESTS))
    asyncio.run(crowd.fill())

    assert not surprises
    assert settled(crowd, database) == before
