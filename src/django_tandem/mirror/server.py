"""The socket that gets a copy of each mirrored request, and the comparisons it leads to."""

import asyncio
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn

from django_tandem.mirror.comparison import Difference, compare
from django_tandem.mirror.exchange import (
    Connections,
    CopiedRequest,
    MirroredResponse,
    NoResponseError,
    exchange,
)
from django_tandem.mirror.findings import Findings, MirrorReport
from django_tandem.mirror.ignoring import Ignored

# In the run directory. Only the edge, which has the user of the stack, may connect.
MIRROR_SOCKET = "mirror.sock"
SOCKET_MODE = 0o600
# Of comparisons: each is two or three requests that the stacks serve besides their own.
MOST_PER_SECOND = 10.0
# For the comparisons that have begun, at the end.
FINISH_S = 2.0
BACKLOG = 1024

Send = Callable[[dict[str, Any]], Awaitable[None]]


class Mirror:
    """
    Compares the responses of two stacks to the requests that it gets copies of.

    ``home`` and ``other`` are the sockets of the stack that answers the clients, and of the other
    one. One comparison at a time, and a pause after each that is as long: so a slow view has at
    most half of one worker of each stack. Further requests are counted and not compared.
    """

    def __init__(self, home: Path, other: Path, ignored: Ignored) -> None:
        self._home, self._other, self._ignored = home, other, ignored
        self._findings = Findings()
        self._connections = Connections()
        # For both copies of a comparison.
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="mirror")
        self._running: asyncio.Task[None] | None = None
        self._next_at = 0.0

    def report(self) -> MirrorReport:
        """Return the comparisons so far; it may be called in any thread."""
        return self._findings.report()

    async def application(self, scope: dict[str, Any], _receive: object, send: Send) -> None:
        """Answer a copy at once, and compare the responses afterwards: an ASGI application."""
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})
        if not self._takes_another():
            self._findings.add_dropped()
            return
        self._running = asyncio.create_task(self._compare(_request_of(scope)))

    async def finish(self) -> None:
        """Wait FINISH_S for the comparison that has begun, and then end it."""
        if self._running is not None:
            await asyncio.wait([self._running], timeout=FINISH_S)
            self._connections.close()
            await asyncio.wait([self._running])
        self._threads.shutdown(wait=False)

    def _takes_another(self) -> bool:
        is_free = self._running is None or self._running.done()
        return is_free and time.monotonic() >= self._next_at

    async def _compare(self, request: CopiedRequest) -> None:
        began = time.monotonic()
        try:
            await self._compare_stacks(request)
        except NoResponseError:
            if self._connections.is_closed:
                self._findings.add_dropped()
            else:
                self._findings.add_failed()
        except Exception:
            # A bug, whose traceback asyncio logs; the other comparisons are reported.
            self._findings.add_dropped()
            raise
        finally:
            self._next_at = next_start(began, time.monotonic())

    async def _compare_stacks(self, request: CopiedRequest) -> None:
        # At the same time, so that both see the same database; and both to their end, as one that
        # is left behind holds a worker of its stack.
        home, other = await asyncio.gather(
            self._exchange(self._home, request),
            self._exchange(self._other, request),
            return_exceptions=True,
        )
        if isinstance(home, BaseException):
            raise home
        if isinstance(other, BaseException):
            raise other
        differences = await self._differences(home, other)
        unstable = await self._unstable(request, home) if differences else ()
        self._findings.add(request.target, differences, unstable)

    async def _unstable(
        self, request: CopiedRequest, home: MirroredResponse
    ) -> tuple[Difference, ...]:
        """Return in what the home stack differs from itself, as a page with a random part does."""
        return await self._differences(home, await self._exchange(self._home, request))

    async def _differences(
        self, home: MirroredResponse, other: MirroredResponse
    ) -> tuple[Difference, ...]:
        # Long bodies take a while, in which further copies are to be answered.
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, compare, home, other, self._ignored)

    async def _exchange(self, stack: Path, request: CopiedRequest) -> MirroredResponse:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._threads, exchange, stack, request, self._connections
        )


def next_start(began: float, ended: float) -> float:
    """Return when the comparison after one between these times may begin: it pauses as long."""
    return max(began + 1 / MOST_PER_SECOND, ended + (ended - began))


def _request_of(scope: dict[str, Any]) -> CopiedRequest:
    query = scope["query_string"].decode("latin-1")
    path = scope["raw_path"].decode("latin-1")
    return CopiedRequest(
        method=scope["method"],
        target=f"{path}?{query}" if query else path,
        headers=tuple(
            (name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]
        ),
    )


@contextmanager
def serving(run_dir: Path, mirror: Mirror) -> Iterator[None]:
    """Serve the mirror's socket in ``run_dir`` for the length of the block, in a thread."""
    path = run_dir / MIRROR_SOCKET
    # Left by a mirror that was killed.
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        listening.bind(str(path))
        path.chmod(SOCKET_MODE)
        # From here on, connections wait for the thread.
        listening.listen(BACKLOG)
        server = _server(mirror)
        # In a thread, uvicorn leaves the signals to the command.
        thread = threading.Thread(target=_run, args=(server, mirror, listening), daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.should_exit = True
            thread.join()
            path.unlink(missing_ok=True)


def _server(mirror: Mirror) -> uvicorn.Server:
    config = uvicorn.Config(
        mirror.application,
        interface="asgi3",
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        timeout_graceful_shutdown=1,
    )
    return uvicorn.Server(config)


def _run(server: uvicorn.Server, mirror: Mirror, listening: socket.socket) -> None:
    async def serve() -> None:
        await server.serve(sockets=[listening])
        await mirror.finish()

    asyncio.run(serve())
