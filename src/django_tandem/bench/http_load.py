"""Connections that ask again as soon as they are answered: HTTP/1.1 on asyncio and httptools."""

import asyncio
import os
import time
from collections import Counter
from functools import partial
from typing import cast
from urllib.parse import urlsplit

import httptools

from django_tandem.bench.workload import Workload

# What is not answered by then is given up, and counted.
ANSWER_S = 30.0
LATE = f"no answer in {ANSWER_S:.0f} s"
# One that failed asks again only then: failures are answered fastest, and nobody asks so.
PAUSE_S = 0.1
# The headers that tell where an answer ends.
SIZES = (b"content-length", b"transfer-encoding")


class HttpLoad:
    """The load of one round: how it is asked, and what came of it."""

    def __init__(self, url: str, workload: Workload, seconds: float) -> None:
        parts = urlsplit(url)
        self.address = (parts.hostname or "", parts.port or 80)
        self.request = _request(parts.netloc, workload)
        self.seconds: list[float] = []
        self.why: Counter[str] = Counter()
        self.answered = 0
        self._until = time.perf_counter() + seconds

    @property
    def left_s(self) -> float:
        """How long there is more to be asked."""
        return max(0.0, self._until - time.perf_counter())

    def forget(self) -> None:
        """Forget what was answered so far, as what follows counts."""
        self.answered = 0
        self.seconds.clear()
        self.why.clear()

    def lose(self, seconds: float, why: str) -> None:
        """Count a request that was given up after so long: it would have taken longer."""
        self.why[why] += 1
        self.seconds.append(seconds)

    def count(self, seconds: float, status: int) -> bool:
        """Count an answer; return whether it was a good one."""
        # A redirect is not the page, and is answered without it. 304 is never sent unasked.
        if status >= 300:
            self.why[f"status {status}"] += 1
            return False
        self.answered += 1
        self.seconds.append(seconds)
        return True


class Exchange(asyncio.Protocol):
    """One connection, for as long as the server keeps it: ``done`` is set when it has ended."""

    def __init__(self, load: HttpLoad, since: float) -> None:
        self._load = load
        # Whoever has to connect waits for that too.
        self._asked: float | None = since
        self._is_sized = self._ends_open = False
        self.has_failed = False
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the first time."""
        self._transport = cast(asyncio.Transport, transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        """Read on."""
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._fail("no HTTP")

    def on_header(self, name: bytes, _value: bytes) -> None:
        """Note whether the answer says how long it is."""
        self._is_sized = self._is_sized or name.lower() in SIZES

    def on_headers_complete(self) -> None:
        """Note whether it may end with its connection."""
        self._ends_open = not self._is_sized and self._parser.get_status_code() >= 200

    def on_message_complete(self) -> None:
        """Count the answer, and ask again."""
        # What only heralds an answer ends like one.
        if self._asked is None or self._parser.get_status_code() < 200:
            return
        good = self._count(self._asked)
        if good and self._parser.should_keep_alive() and self._load.left_s:
            self._asked = time.perf_counter()
            self._send()
        else:
            self._transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        """Count what was asked and is not answered."""
        if self._asked is not None and self._ends_open and error is None:
            self._count(self._asked)
        elif self._asked is not None:
            self._fail("connection broken")
        if not self.done.done():
            self.done.set_result(None)

    def _give_up(self) -> None:
        self._end()
        self._load.lose(ANSWER_S, LATE)

    def _send(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._is_sized = self._ends_open = False
        self._limit = asyncio.get_running_loop().call_later(ANSWER_S, self._give_up)
        self._transport.write(self._load.request)

    def _count(self, asked: float) -> bool:
        self._asked = None
        self._limit.cancel()
        good = self._load.count(time.perf_counter() - asked, self._parser.get_status_code())
        self.has_failed = not good
        return good

    def _fail(self, why: str) -> None:
        self._end()
        self._load.why[why] += 1

    def _end(self) -> None:
        self._asked = None
        self._limit.cancel()
        self.has_failed = True
        self._transport.abort()


async def drive(load: HttpLoad, connections: int) -> None:
    """Keep so many connections busy until the load is over, and each has its last answer."""
    await asyncio.gather(*(_keep_busy(load) for _ in range(connections)))


async def _keep_busy(load: HttpLoad) -> None:
    loop = asyncio.get_running_loop()
    while load.left_s:
        since = time.perf_counter()
        try:
            async with asyncio.timeout(ANSWER_S):
                made = partial(Exchange, load, since)
                _, exchange = await loop.create_connection(made, *load.address)
        except TimeoutError:
            load.lose(ANSWER_S, LATE)
            continue
        except OSError as error:
            load.why[f"no connection: {_reason(error)}"] += 1
            await asyncio.sleep(PAUSE_S)
            continue
        await exchange.done
        if exchange.has_failed:
            await asyncio.sleep(PAUSE_S)


def _reason(error: OSError) -> str:
    # Each event loop has words of its own.
    return os.strerror(error.errno) if error.errno else type(error).__name__


def _request(host: str, workload: Workload) -> bytes:
    body = workload.body.encode()
    own = [("Host", host), ("Accept", "*/*"), ("User-Agent", "tandem-bench")]
    if body:
        own.append(("Content-Length", str(len(body))))
    given = {name.lower() for name, _ in workload.headers}
    headers = [*(each for each in own if each[0].lower() not in given), *workload.headers]
    lines = [f"{workload.method} {workload.path} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body
