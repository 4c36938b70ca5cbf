"""Requests that are sent at their recorded times, however long the responses before them take."""

import asyncio
import time
from collections import Counter, defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httptools

from django_tandem.bench.http_load import (
    BODY_HEADERS,
    RESPONSE_TIMEOUT_S,
    TIMED_OUT,
    encode_request,
    error_reason,
)
from django_tandem.bench.results import RouteResult, latency
from django_tandem.bench.workload import Replay, TimedRequest, Workload

# A server that answers nothing must not take all file descriptors of this process.
MOST_OPEN = 1000
NOT_SENT = f"not sent, as {MOST_OPEN:,} requests had no response"
READ_BYTES = 64 * 1024
BROKEN = "connection broken"


@dataclass(slots=True)
class RouteCounts:
    """The results of one route so far."""

    requests: int = 0
    seconds: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    changed: Counter[str] = field(default_factory=Counter)

    def as_route_result(self, route: str) -> RouteResult:
        """Return them as a result."""
        return RouteResult(
            route=route,
            requests=self.requests,
            latency=latency(self.seconds),
            errors=tuple(self.errors.most_common()),
            changed=tuple(self.changed.most_common()),
        )


class ReplayLoad:
    """
    The replay of one round, and the results so far.

    Each request has a separate connection: which of them shared one is not recorded.
    """

    def __init__(self, url: str, workload: Workload, replay: Replay) -> None:
        parts = urlsplit(url)
        self._address = (parts.hostname or "", parts.port or 80)
        self._host = parts.netloc
        self._workload = workload
        self._requests = replay.requests
        self._is_warm = asyncio.Event()
        self._began = 0.0
        self._open: set[asyncio.Task[None]] = set()
        self._routes: defaultdict[str, RouteCounts] = defaultdict(RouteCounts)
        self.seconds: list[float] = []
        self.why: Counter[str] = Counter()
        self.answered = 0

    def reset(self) -> None:
        """End the warm-up: the first recorded time is now."""
        self._began = time.perf_counter()
        self._is_warm.set()

    def routes(self) -> tuple[RouteResult, ...]:
        """Return the result of each route, in alphabetical order."""
        return tuple(
            counts.as_route_result(route) for route, counts in sorted(self._routes.items())
        )

    async def run(self) -> None:
        """Send each route once until reset() is called, then all requests at their times."""
        warming = asyncio.create_task(self._warm_up())
        await self._is_warm.wait()
        for request in self._requests:
            await asyncio.sleep(self._began + request.at_s - time.perf_counter())
            self._routes[request.route].requests += 1
            if len(self._open) >= MOST_OPEN:
                self._record_error(request, NOT_SENT)
                continue
            task = asyncio.create_task(self._send(request))
            self._open.add(task)
            task.add_done_callback(self._open.discard)
        await asyncio.gather(warming, *self._open)

    async def _warm_up(self) -> None:
        # The first request of a route imports and connects.
        firsts = {each.route: each for each in reversed(self._requests)}
        for each in firsts.values():
            if self._is_warm.is_set():
                return
            with suppress(OSError, TimeoutError, BrokenResponseError):
                await self._exchange(each)

    async def _send(self, request: TimedRequest) -> None:
        try:
            status = await self._exchange(request)
        except TimeoutError:
            self._record_time(request)
            self._record_error(request, TIMED_OUT)
            return
        except BrokenResponseError as error:
            self._record_error(request, str(error))
            return
        except OSError as error:
            self._record_error(request, f"no connection: {error_reason(error)}")
            return
        self._record_time(request)
        if status >= 500:
            self._record_error(request, f"status {status}")
            return
        self.answered += 1
        if request.status and status != request.status:
            self._routes[request.route].changed[f"{status} instead of {request.status}"] += 1

    def _record_time(self, request: TimedRequest) -> None:
        # From its time on: a driver that is late would hide the wait.
        seconds = time.perf_counter() - self._began - request.at_s
        self.seconds.append(seconds)
        self._routes[request.route].seconds.append(seconds)

    def _record_error(self, request: TimedRequest, why: str) -> None:
        self.why[why] += 1
        self._routes[request.route].errors[why] += 1

    async def _exchange(self, request: TimedRequest) -> int:
        """Send a request, and return the status of its whole response."""
        async with asyncio.timeout(RESPONSE_TIMEOUT_S):
            reader, writer = await asyncio.open_connection(*self._address)
            try:
                writer.write(self._encode(request))
                return await _read_response(reader, has_body=request.method != "HEAD")
            finally:
                writer.transport.abort()

    def _encode(self, request: TimedRequest) -> bytes:
        return encode_request(
            self._host,
            request.method,
            request.target,
            (*self._workload.headers, ("Connection", "close")),
        )


class BrokenResponseError(Exception):
    """The response is not complete, or it is not HTTP."""


async def _read_response(reader: asyncio.StreamReader, *, has_body: bool) -> int:
    response = _Response(has_body=has_body)
    while not response.is_complete:
        try:
            data = await reader.read(READ_BYTES)
        except ConnectionError as error:
            raise BrokenResponseError(BROKEN) from error
        if not data:
            response.end()
            break
        try:
            response.parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            raise BrokenResponseError("not HTTP") from error
    return response.parser.get_status_code()


class _Response:
    def __init__(self, *, has_body: bool) -> None:
        self.parser = httptools.HttpResponseParser(self)
        self.is_complete = False
        self._has_body = has_body
        self._has_length = self._has_head = False

    def end(self) -> None:
        """Accept the end of the connection as that of the body, where nothing else delimits it."""
        if not self._has_head or self._has_length:
            raise BrokenResponseError(BROKEN)

    def on_header(self, name: bytes, _value: bytes) -> None:
        self._has_length = self._has_length or name.lower() in BODY_HEADERS

    def on_headers_complete(self) -> None:
        # An informational response (1xx) is followed by another.
        self._has_head = self.parser.get_status_code() >= 200
        self.is_complete = self._has_head and not self._has_body

    def on_message_complete(self) -> None:
        self.is_complete = self._has_head
