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
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
import redis
from faults.prober import Prober

from django_tandem.runtime import supervisord
from harness.client import ask, wait_for
from harness.postgres import postgres, program
from harness.projects import SMALL, with_channels
from harness.stack import Up, tandem
from harness.valkey import Valkey, valkey

SOCKETS = 100
CALM_S = 0.5
RECOVERY_S = 15
SERVERS = ["uvicorn", "daphne", "hypercorn", "granian"]

DATABASE = """
DATABASES = {{
    "default": {{
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "postgres",
        "USER": "tandem",
        "HOST": {host!r},
        "CONN_MAX_AGE": {max_age},
    }}
}}
"""
QUERIES = """
from asgiref.sync import sync_to_async
from django.db import connection


def ask():
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return cursor.fetchone()[0]


def query(request):
    return HttpResponse(ask())


async def async_query(request):
    return HttpResponse(await sync_to_async(ask)())


urlpatterns += [path("query/", query), path("async-query/", async_query)]
"""


@pytest.fixture
def own(tmp_path) -> Iterator[Valkey]:
    """The user's own server, to be killed and restarted."""
    with valkey(tmp_path) as started:
        yield started


def served_by(directory: Path, asgi: str, *, monitor: bool = False) -> Path:
    return with_channels(
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


@pytest.mark.parametrize("asgi", SERVERS)
def test_sockets_outlive_the_users_own_redis(asgi, own, tmp_path) -> None:
    """Unavailable for two seconds: a sender gets an error at once, and nobody else does."""

    async def run(up: Up) -> None:
        async with sockets(up) as held:
            own.kill()
            began = time.monotonic()
            while time.monotonic() - began < 2:
                assert await announce(up, "n-lost") == 500
                await held[0].send_str("hello")
                assert await held[0].receive_str(timeout=5) == "/echo/one/ hello"
            await asyncio.to_thread(own.start)
            print("failed, s:", await tell_until_told(up))
            await asyncio.to_thread(wait_until_joined, own.url)
            assert await announce(up, "after") == 200
            assert await hear(held, "after") == SOCKETS

    with Up(served_by(tmp_path, asgi), environment={"REDIS_URL": own.url}) as up:
        asyncio.run(run(up))


def test_a_socket_that_left_a_group_does_not_rejoin(own, tmp_path) -> None:
    """Nor is a socket that has closed since."""

    async def run(up: Up) -> None:
        async with sockets(up) as held:
            await asyncio.gather(*(each.close() for each in held[1:]))
            own.kill()
            await asyncio.to_thread(own.start)

            assert await asyncio.to_thread(wait_until_joined, own.url, 1)

    with Up(served_by(tmp_path, "uvicorn"), environment={"REDIS_URL": own.url}) as up:
        asyncio.run(run(up))


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


@pytest.mark.parametrize("max_age", [0, 600])
def test_both_stacks_outlive_a_restart_of_postgresql(max_age, tmp_path) -> None:
    """Also where connections are kept, though each of those costs the request that finds it out."""
    with postgres() as url, restartable(url) as restart:
        served_by(tmp_path, "uvicorn")
        host = parse_qs(urlsplit(url).query)["host"][0]
        with (tmp_path / "mysite" / "settings.py").open("a") as settings:
            settings.write(DATABASE.format(host=host, max_age=max_age))
        with (tmp_path / "mysite" / "urls.py").open("a") as urls:
            urls.write(QUERIES)
        with (
            Up(tmp_path) as up,
            Prober(up.port, "/query/") as sync,
            Prober(up.port, "/async-query/") as coroutine,
        ):
            wait_for(lambda: sync.is_well(0, CALM_S) and coroutine.is_well(0, CALM_S))
            began = time.monotonic()
            run_as_owner(restart)
            back_s = time.monotonic() - began
            for prober in (sync, coroutine):
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
