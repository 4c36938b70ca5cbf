"""What it brings that WSGI gives way: the broadcast's p99 beside a burst of synchronous work."""

import asyncio
import json
import statistics
import sys
from asyncio.subprocess import PIPE
from dataclasses import asdict, dataclass
from pathlib import Path

from load import drive
from results import Ratio, finish, say

from example import copied, served

ROUNDS = 5
SECONDS = 6.0
CONNECTIONS = 16
SOCKETS = 50
PATH = "/api/lots/"
NICE = (0, 10)
LISTENING = Path(__file__).with_name("listening.py")
SETTING = """{{
    "WSGI": {{"WORKERS": 2, "NICE": {nice}}}, "ASGI": {{"WORKERS": 1}},
}}
ASGI_APPLICATION = "bench_asgi.application"
"""
ASGI = """
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from config.asgi import application as own
from django.urls import path


class Told(AsyncWebsocketConsumer):
    groups = ["bench"]

    async def told(self, event):
        await self.send(text_data=event["text"])


routes = URLRouter([path("ws/bench/", Told.as_asgi())])
application = ProtocolTypeRouter({"http": own, "websocket": routes})
"""


@dataclass(frozen=True, kw_only=True)
class Round:
    """One round at one niceness."""

    nice: int
    requests_per_second: float
    broadcast_p99_ms: float
    delivered: float


def measure(directory: Path, nice: int) -> Round:
    """Serve the example, hammer its list, and tell its WebSockets the time the while."""
    (directory / "bench_asgi.py").write_text(ASGI)
    with served(directory, SETTING.format(nice=nice)) as url:
        return asyncio.run(_measure(directory, url, nice))


async def _measure(directory: Path, url: str, nice: int) -> Round:
    socket = f"{url.replace('http', 'ws')}/ws/bench/"
    redis = f"unix://{directory}/.tandem/valkey.sock"
    argv = (sys.executable, str(LISTENING), socket, str(SOCKETS), str(SECONDS), redis)
    # Before it counts: the first requests of each worker open connections and fill caches.
    await drive(f"{url}{PATH}", connections=CONNECTIONS, seconds=1)
    listening = await asyncio.create_subprocess_exec(*argv, stdout=PIPE)
    load = await drive(f"{url}{PATH}", connections=CONNECTIONS, seconds=SECONDS + 1)
    printed, _ = await listening.communicate()
    told = json.loads(printed)
    if load.failed:
        raise RuntimeError(f"{load.failed} requests failed")
    return Round(
        nice=nice,
        requests_per_second=round(load.per_second, 1),
        broadcast_p99_ms=round(1000 * statistics.quantiles(told["took_s"], n=100)[98], 1),
        delivered=len(told["took_s"]) / told["expected"],
    )


def main() -> int:
    """Print how much sooner the broadcast comes, and what is left of the requests."""
    rounds = []
    with copied() as directory:
        for number in range(ROUNDS):
            # Neither is always the first of a pair.
            for nice in NICE if number % 2 else NICE[::-1]:
                rounds.append(measure(directory, nice))
                say(f"round {number}: {rounds[-1]}")
    plain, gives_way = ([each for each in rounds if each.nice == nice] for nice in NICE)
    pairs = list(zip(plain, gives_way, strict=True))
    sooner = [a.broadcast_p99_ms / b.broadcast_p99_ms for a, b in pairs]
    kept = [b.requests_per_second / a.requests_per_second for a, b in pairs]
    return finish(
        "nice",
        {
            "broadcast p99, nice 0 / nice 10": Ratio(value=statistics.median(sooner), at_least=1.3),
            "requests/s, nice 10 / nice 0": Ratio(value=statistics.median(kept), at_least=0.9),
        },
        packages=("django", "gunicorn", "uvicorn", "channels"),
        rounds=[asdict(each) for each in rounds],
    )


if __name__ == "__main__":
    sys.exit(main())
