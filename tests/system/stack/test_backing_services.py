"""Redis or PostgreSQL stops and starts again: the stack recovers without a restart."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
import redis
from faults.prober import Prober

from django_tandem.runtime import supervisord
from harness.client import ask, wait_for
from harness.postgres import postgres, program
from harness.projects import SMALL, channels_alone, without_apps
from harness.stack import Up, tandem
from harness.valkey import Valkey, valkey

SOCKETS = 100
CALM_S = 0.5
PROBER_PAUSE_S = 0.05
RECOVERY_S = 15
SERVERS = ["uvicorn", "daphne", "hypercorn", "granian"]

DATABASE = """
DATABASES = {{
    "default": {{
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "postgres",
        "USER": "tandem",
        "HOST": {host!r},
    }}
}}
DATABASES["kept"] = DATABASES["default"] | {{"CONN_MAX_AGE": 600}}
"""
QUERIES = """
from asgiref.sync import sync_to_async
from django.db import connections
from django.http import HttpResponse
from django.urls import path


def ask(alias):
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT 1")
        return cursor.fetchone()[0]


def query(request, alias):
    return HttpResponse(ask(alias))


async def async_query(request, alias):
    return HttpResponse(await sync_to_async(ask)(alias))


urlpatterns = [path("query/<alias>/", query), path("async-query/<alias>/", async_query)]
"""


@dataclass(frozen=True)
class Served:
    """A stack on the user's own Redis, which each test kills and starts again."""

    up: Up
    redis: Valkey


@pytest.fixture(scope="module", params=SERVERS)
def served(request, tmp_path_factory) -> Iterator[Served]:
    directory = tmp_path_factory.mktemp("own")
    with (
        valkey(directory) as own,
        Up(served_by(directory, request.param), environment={"REDIS_URL": own.url}) as up,
    ):
        yield Served(up, own)


def served_by(directory: Path, asgi: str, *, monitor: bool = False) -> Path:
    return channels_alone(
        directory, **SMALL | {"ASGI": {"SERVER": asgi, "WORKERS": 1}, "MONITOR": monitor}
    )


@asynccontextmanager
async def sockets(up: Up) -> AsyncIterator[list[aiohttp.ClientWebSocketResponse]]:
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        url = f"{up.url}/echo/one/"
        yield [await session.ws_connect(url, origin=up.url) for _ in range(SOCKETS)]


async def announce(up: Up, text: str) -> int:
    answer = await asyncio.to_thread(ask, up.port, f"/announce/?text={text}")
    return answer.status


async def hear(held: list[aiohttp.ClientWebSocketResponse], text: str) -> int:
    """Return how many of the sockets heard ``text``, having heard nothing else but text."""

    async def listen(socket: aiohttp.ClientWebSocketResponse) -> bool:
        with contextlib.suppress(TimeoutError):
            while (heard := await socket.receive_str(timeout=10)) != text:
                assert heard.startswith("n")
            return True
        return False

    return sum(await asyncio.gather(*map(listen, held)))


async def tell_until_told(up: Up) -> tuple[int, float]:
    """Send to the group until it works; return how often it did not, and how long that took."""
    began = time.monotonic()
    failed = 0
    while await announce(up, f"n{failed}") != 200:
        failed += 1
        assert time.monotonic() - began < RECOVERY_S
        await asyncio.sleep(0.05)
    return failed, time.monotonic() - began


def test_sockets_outlive_the_embedded_valkey(tmp_path) -> None:
    """It is killed and loses all groups: no socket closes, and each gets the next message."""

    async def run(up: Up) -> None:
        async with sockets(up) as held:
            assert await announce(up, "before") == 200
            assert await hear(held, "before") == SOCKETS
            os.kill(supervisord.pid_of(up.run_dir, "valkey"), signal.SIGKILL)
            print("failed, s:", await tell_until_told(up))
            await asyncio.to_thread(wait_until_joined, f"unix://{up.run_dir / 'valkey.sock'}")
            assert await announce(up, "after") == 200
            assert await hear(held, "after") == SOCKETS

    with Up(served_by(tmp_path, "uvicorn")) as up:
        asyncio.run(run(up))


def test_sockets_outlive_the_users_own_redis(served) -> None:
    """Unavailable for two seconds: a sender gets an error at once, and nobody else does."""

    async def run(up: Up, own: Valkey) -> None:
        async with sockets(up) as held:
            own.kill()
            began = time.monotonic()
            while time.monotonic() - began < 2:
                assert await announce(up, "n-lost") == 500
                await held[0].send_str("hello")
                assert await held[0].receive_str(timeout=5) == "/echo/one/ hello"
                # Each failure is logged with its traceback.
                await asyncio.sleep(0.1)
            await asyncio.to_thread(own.start)
            print("failed, s:", await tell_until_told(up))
            await asyncio.to_thread(wait_until_joined, own.url)
            assert await announce(up, "after") == 200
            assert await hear(held, "after") == SOCKETS

    asyncio.run(run(served.up, served.redis))


@pytest.mark.parametrize("served", SERVERS[:1], indirect=True, scope="module")
def test_a_socket_that_left_a_group_does_not_rejoin(served) -> None:
    """Nor is a socket that has closed since."""

    async def run(up: Up, own: Valkey) -> None:
        async with sockets(up) as held:
            await asyncio.gather(*(each.close() for each in held[1:]))
            own.kill()
            await asyncio.to_thread(own.start)

            assert await asyncio.to_thread(wait_until_joined, own.url, 1)

    asyncio.run(run(served.up, served.redis))


def wait_until_joined(url: str, number: int = SOCKETS) -> bool:
    """Return that the group has so many members, as soon as it has."""
    with contextlib.closing(redis.Redis.from_url(url)) as client:
        return wait_for(lambda: client.zcard("asgi:group:all") == number)


def test_a_redis_that_never_answered_is_reported_at_once(tmp_path) -> None:
    """It is misconfigured, not unavailable: the socket closes, and the error is in the log."""
    served_by(tmp_path, "uvicorn")

    async def run(up: Up) -> None:
        async with aiohttp.ClientSession() as session:
            with pytest.raises((aiohttp.WSServerHandshakeError, aiohttp.ClientError)):
                await session.ws_connect(f"{up.url}/echo/one/", origin=up.url)

    with Up(tmp_path, environment={"REDIS_URL": f"unix://{tmp_path}/none.sock"}) as up:
        asyncio.run(run(up))
        wait_for(lambda: "ConnectionError" in up.output)


@contextmanager
def restartable(url: str) -> Iterator[list[str]]:
    """Yield the command that kills and starts the server of ``url`` again; it ends afterwards."""
    host = parse_qs(urlsplit(url).query)["host"][0]
    control = [program("pg_ctl"), "-D", f"{host}/data", "-w"]
    options = f"-k {host} -c listen_addresses= -c fsync=off"
    yield [*control, "restart", "-m", "immediate", "-l", f"{host}/again.log", "-o", options]
    run_as_owner([*control, "stop", "-m", "immediate"])


def run_as_owner(argv: list[str]) -> None:
    user = "postgres" if os.geteuid() == 0 else None
    subprocess.run(argv, user=user, cwd="/", check=True, stdout=subprocess.DEVNULL)


def test_both_stacks_outlive_a_restart_of_postgresql(tmp_path) -> None:
    """Also where connections are kept, though each of those costs the request that finds it out."""
    with postgres() as url, restartable(url) as restart:
        without_apps(tmp_path, **SMALL)
        host = parse_qs(urlsplit(url).query)["host"][0]
        with (tmp_path / "mysite" / "settings.py").open("a") as settings:
            settings.write(DATABASE.format(host=host))
        (tmp_path / "mysite" / "urls.py").write_text(QUERIES)
        with Up(tmp_path) as up, contextlib.ExitStack() as entered:
            probers = [
                entered.enter_context(Prober(up.port, f"/{view}/{alias}/", PROBER_PAUSE_S))
                for view in ("query", "async-query")
                for alias in ("default", "kept")
            ]
            wait_for(lambda: all(each.is_well(0, CALM_S) for each in probers))
            began = time.monotonic()
            run_as_owner(restart)
            back_s = time.monotonic() - began
            for prober in probers:
                wait_for(lambda each=prober: each.is_well(began, CALM_S), within_s=RECOVERY_S)

                assert prober.recovery_s(began) < back_s + 5
                print(f"{prober.path}: PostgreSQL {back_s:.1f} s, {prober.recovery_s(began):.1f} s")


def test_commands_do_not_wait_for_a_redis_that_hangs(tmp_path) -> None:
    """It is stopped by a signal: status shows it; a reload and a stop work."""
    with Up(served_by(tmp_path, "uvicorn", monitor=True)) as up:
        pid = supervisord.pid_of(up.run_dir, "valkey")
        os.kill(pid, signal.SIGSTOP)
        try:
            began = time.monotonic()
            shown = {
                each["program"]: each["state"]
                for each in json.loads(tandem(tmp_path, "status", "--json").stdout)["processes"]
            }
            assert shown.pop("valkey") in ("silent", "starting")
            assert shown == {"master-1": "ready", "monitor": "ready", "nginx": "ready"}
            assert tandem(tmp_path, "reload", "--wait", "--drain", "1").returncode == 0
            assert tandem(tmp_path, "down").returncode == 0
            assert time.monotonic() - began < 50
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
