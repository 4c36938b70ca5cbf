"""HTTP/1.1 connections that send the next request at each response, on asyncio and httptools."""

import asyncio
import os
import time
from collections import Counter
from functools import partial
from typing import cast
from urllib.parse import urlsplit

import httptools

from django_tandem.bench.workload import Workload

RESPONSE_TIMEOUT_S = 30.0
TIMED_OUT = f"no response in {RESPONSE_TIMEOUT_S:.0f} s"
# A failed connection waits this long: errors are fast, and would become a flood.
RETRY_S = 0.1
# The headers that delimit a body.
BODY_HEADERS = (b"content-length", b"transfer-encoding")

Headers = tuple[tuple[str, str], ...]


class HttpLoad:
    """The HTTP load of one round: its request, and the results so far."""

    def __init__(self, url: str, workload: Workload, seconds: float) -> None:
        parts = urlsplit(url)
        self.address = (parts.hostname or "", parts.port or 80)
        self.request = encode_request(
            parts.netloc, workload.method, workload.path or "/", workload.headers, workload.body
        )
        self.seconds: list[float] = []
        self.why: Counter[str] = Counter()
        self.answered = 0
        self._until = time.perf_counter() + seconds

    @property
    def left_s(self) -> float:
        """The rest of the round, in seconds."""
        return max(0.0, self._until - time.perf_counter())

    def reset(self) -> None:
        """Drop the results of the warm-up."""
        self.answered = 0
        self.seconds.clear()
        self.why.clear()

    def record_timeout(self) -> None:
        """Record a request that timed out, with the timeout as its latency: it took longer."""
        self.why[TIMED_OUT] += 1
        self.seconds.append(RESPONSE_TIMEOUT_S)

    def record(self, seconds: float, status: int) -> bool:
        """Record a response; return whether it was successful."""
        # A redirect is not the page, and costs the server less.
        if status >= 300:
            self.why[f"status {status}"] += 1
            return False
        self.answered += 1
        self.seconds.append(seconds)
        return True


class LoadConnection(asyncio.Protocol):
    """One connection, until either side closes it; then ``done`` is set."""

    def __init__(self, load: HttpLoad, since: float) -> None:
        self._load = load
        # The first latency includes the time to connect.
        self._sent_at: float | None = since
        self._has_length = self._ends_at_close = False
        self.has_failed = False
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        self._transport = cast(asyncio.Transport, transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        """Parse it."""
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._fail("not HTTP")

    def on_header(self, name: bytes, _value: bytes) -> None:
        """Note whether the body is delimited."""
        self._has_length = self._has_length or name.lower() in BODY_HEADERS

    def on_headers_complete(self) -> None:
        """Note whether the end of the connection ends the body."""
        self._ends_at_close = not self._has_length and self._parser.get_status_code() >= 200

    def on_message_complete(self) -> None:
        """Record the response, and send the next request."""
        # An informational response (1xx) completes too.
        if self._sent_at is None or self._parser.get_status_code() < 200:
            return
        succeeded = self._record(self._sent_at)
        if succeeded and self._parser.should_keep_alive() and self._load.left_s:
            self._sent_at = time.perf_counter()
            self._send()
        else:
            self._transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        """Record the request that has no complete response."""
        if self._sent_at is not None and self._ends_at_close and error is None:
            self._record(self._sent_at)
        elif self._sent_at is not None:
            self._fail("connection broken")
        if not self.done.done():
            self.done.set_result(None)

    def _time_out(self) -> None:
        self._end()
        self._load.record_timeout()

    def _send(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._has_length = self._ends_at_close = False
        self._timeout = asyncio.get_running_loop().call_later(RESPONSE_TIMEOUT_S, self._time_out)
        self._transport.write(self._load.request)

    def _record(self, sent_at: float) -> bool:
        self._sent_at = None
        self._timeout.cancel()
        duration = time.perf_counter() - sent_at
        succeeded = self._load.record(duration, self._parser.get_status_code())
        self.has_failed = not succeeded
        return succeeded

    def _fail(self, why: str) -> None:
        self._end()
        self._load.why[why] += 1

    def _end(self) -> None:
        self._sent_at = None
        self._timeout.cancel()
        self.has_failed = True
        self._transport.abort()


async def drive(load: HttpLoad, connections: int) -> None:
    """Keep ``connections`` busy until the round ends and each has its last response."""
    await asyncio.gather(*(_keep_busy(load) for _ in range(connections)))


async def _keep_busy(load: HttpLoad) -> None:
    loop = asyncio.get_running_loop()
    while load.left_s:
        since = time.perf_counter()
        try:
            async with asyncio.timeout(RESPONSE_TIMEOUT_S):
                factory = partial(LoadConnection, load, since)
                _, connection = await loop.create_connection(factory, *load.address)
        except TimeoutError:
            load.record_timeout()
            continue
        except OSError as error:
            load.why[f"no connection: {error_reason(error)}"] += 1
            await asyncio.sleep(RETRY_S)
            continue
        await connection.done
        if connection.has_failed:
            await asyncio.sleep(RETRY_S)


def error_reason(error: OSError) -> str:
    """Return why a connection failed, the same for each event loop."""
    return os.strerror(error.errno) if error.errno else type(error).__name__


def encode_request(host: str, method: str, target: str, headers: Headers, body: str = "") -> bytes:
    """Return a request; ``headers`` replace the defaults of the same names."""
    content = body.encode()
    own = [("Host", host), ("Accept", "*/*"), ("User-Agent", "tandem-bench")]
    if content:
        own.append(("Content-Length", str(len(content))))
    given = {name.lower() for name, _ in headers}
    lines = [f"{method} {target} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in own if name.lower() not in given]
    lines += [f"{name}: {value}" for name, value in headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + content
