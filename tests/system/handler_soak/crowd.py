"""A crowd of clients that send requests of every kind, and leave some of them halfway."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import aiohttp

CLIENTS = 24
BODY = b"b" * 5000

# Seldom, for it takes its time.
LINGERING = ("GET", "/linger/")

# The requests that are sent whole, with the status that each must get.
WHOLE = {
    ("GET", "/hello/"): 200,
    ("GET", "/sync/"): 200,
    ("GET", "/mixed/"): 200,
    ("GET", "/session/"): 200,
    ("GET", "/stream/async/"): 200,
    ("GET", "/stream/sync/"): 200,
    ("GET", "/file/"): 200,
    ("POST", "/upload/"): 200,
    ("GET", "/error/"): 500,
    ("GET", "/nowhere/"): 404,
    LINGERING: 200,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Aborted:
    """A request that its client leaves: after sending it all or in part, and reading so much."""

    sent: bytes
    read: int = 0


def _get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


HEAD = b"POST /upload/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000\r\n\r\n"
ABORTED = (
    Aborted(sent=_get("/wait/")),
    Aborted(sent=_get("/sync/?s=0.02")),
    Aborted(sent=_get("/stream/endless/"), read=3000),
    Aborted(sent=_get("/stream/async/"), read=10),
    Aborted(sent=HEAD + BODY[:2000]),
)
KINDS = (*WHOLE, *ABORTED)
WEIGHTS = {LINGERING: 1} | dict.fromkeys(ABORTED, 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """Clients of the server at a Unix socket."""

    socket: str

    async def send(self, count: int) -> Counter[str]:
        """Send so many requests, a quarter of them left halfway; count what came otherwise."""
        often = [WEIGHTS.get(kind, 3) for kind in KINDS]
        kinds = random.Random(1).choices(KINDS, often, k=count)
        surprises: Counter[str] = Counter()
        waiting = iter(kinds)

        async def client(session: aiohttp.ClientSession) -> None:
            for kind in waiting:
                if isinstance(kind, Aborted):
                    await self._abort(kind)
                elif surprise := await _request(session, *kind):
                    surprises[surprise] += 1

        await self._with_session(lambda session: _gather(client(session) for _ in range(CLIENTS)))
        return surprises

    async def fill(self) -> None:
        """Send so many requests at once that the server starts all threads it may have."""

        async def at_once(session: aiohttp.ClientSession) -> None:
            sync = [_request(session, "GET", "/sync/?s=0.05") for _ in range(2 * CLIENTS)]
            await _gather([*sync, _request(session, "GET", "/fill/")])

        await self._with_session(at_once)

    async def counts(self) -> dict[str, int]:
        """Return what the server holds, by its own count."""
        found: dict[str, int] = {}

        async def read(session: aiohttp.ClientSession) -> None:
            async with session.get("http://localhost/counts/") as answer:
                found.update(await answer.json())

        await self._with_session(read)
        return found

    async def _with_session(
        self, work: Callable[[aiohttp.ClientSession], Coroutine[Any, Any, None]]
    ) -> None:
        connector = aiohttp.UnixConnector(path=self.socket, limit=0)
        timeout = aiohttp.ClientTimeout(total=60)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
            await work(session)

    async def _abort(self, kind: Aborted) -> None:
        reader, writer = await asyncio.open_unix_connection(self.socket)
        writer.write(kind.sent)
        await writer.drain()
        # Not at once: the server shall be at work on it.
        await (reader.readexactly(kind.read) if kind.read else asyncio.sleep(0.005))
        writer.close()
        await writer.wait_closed()


async def _gather(coroutines: Any) -> None:
    await asyncio.gather(*coroutines)


async def _request(session: aiohttp.ClientSession, method: str, target: str) -> str | None:
    body = BODY if method == "POST" else None
    try:
        async with session.request(method, f"http://localhost{target}", data=body) as answer:
            await answer.read()
            expected = WHOLE.get((method, target), 200)
            return None if answer.status == expected else f"{answer.status} for {target}"
    except (aiohttp.ClientError, TimeoutError) as error:
        return f"{type(error).__name__} for {target}"
