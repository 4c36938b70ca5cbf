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
from django_tandem.mirror.exchange import CopiedRequest, NoResponseError, exchange
from django_tandem.mirror.findings import Findings, MirrorReport
from django_tandem.mirror.ignoring import Ignored
from django_tandem.mirror.responses import MirroredResponse

# In the run directory. Only the edge, which has the user of the stack, may connect.
MIRROR_SOCKET = "mirror.sock"
SOCKET_MODE = 0o600
# Of comparisons: each is two or three requests that the stacks serve besides their own.
MOST_PER_SECOND = 10.0
MOST_AT_ONCE = 4
BACKLOG = 1024

Send = Callable[[dict[str, Any]], Awaitable[None]]


class Mirror:
    """
    Compares the responses of two stacks to the requests that it gets copies of.

    ``home`` and ``other`` are the sockets of the stack that answers the clients, and of the other
    one. Requests beyond MOST_PER_SECOND, or MOST_AT_ONCE, are counted and not compared.
    """

    def __init__(self, home: Path, other: Path, ignored: Ignored) -> None:
        self._home, self._other, self._ignored = home, other, ignored
        self._findings = Findings()
        # For both copies of each comparison.
        self._threads = ThreadPoolExecutor(2 * MOST_AT_ONCE, thread_name_prefix="mirror")
        self._running: set[asyncio.Task[None]] = set()
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
        task = asyncio.create_task(self._compare(_request_of(scope)))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def finish(self) -> None:
        """Wait for the comparisons that have begun."""
        await asyncio.gather(*self._running)
        self._threads.shutdown(wait=False)

    def _takes_another(self) -> bool:
        now = time.monotonic()
        if now < self._next_at or len(self._running) >= MOST_AT_ONCE:
            return False
        self._next_at = now + 1 / MOST_PER_SECOND
        return True

    async def _compare(self, request: CopiedRequest) -> None:
        try:
            # At the same time, so that both see the same database.
            home, other = await asyncio.gather(
                self._exchange(self._home, request), self._exchange(self._other, request)
            )
            differences = await self._differences(home, other)
            unstable = await self._unstable(request, home) if differences else ()
        except NoResponseError:
            self._findings.add_failed()
            return
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
        return await loop.run_in_executor(self._threads, exchange, stack, request)


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
