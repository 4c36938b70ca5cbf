"""So many requests a second, whatever becomes of them, over kept-alive connections."""

import asyncio
import contextlib
import time
from dataclasses import dataclass

import aiohttp
from faults.kinds import Request, Requests

TIMEOUT_S = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A request that did not get what it asked for; times are of the monotonic clock."""

    request: Request
    began: float
    ended: float
    why: str


class Load:
    """An open load: a slow answer holds back nothing of what follows."""

    def __init__(self, url: str, rate: float, token: str) -> None:
        self._url = url
        self._rate = rate
        # Of the one who bids; everything else is open to anybody.
        self._signed_in = {"Authorization": f"Token {token}"}
        self._requests = Requests()
        self._tasks: set[asyncio.Task[None]] = set()
        self.sent = 0
        self.failures: list[Failure] = []
        # The keys of the POSTs that were answered as done.
        self.done: list[str] = []
        self.slowest_s = 0.0

    async def __aenter__(self) -> "Load":
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            timeout=aiohttp.ClientTimeout(total=TIMEOUT_S),
        )
        self._sending = asyncio.create_task(self._send())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop_sending()
        await asyncio.gather(*self._tasks)
        await self._session.close()

    async def stop_sending(self) -> None:
        """Send no further request; those that were sent are still waited for."""
        self._sending.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._sending

    async def _send(self) -> None:
        started = time.monotonic()
        for number, request in enumerate(self._requests):
            await asyncio.sleep(started + number / self._rate - time.monotonic())
            task = asyncio.create_task(self._ask(request))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _ask(self, request: Request) -> None:
        began = time.monotonic()
        self.sent += 1
        why = await self._answer(request)
        ended = time.monotonic()
        self._requests.give_back(request)
        self.slowest_s = max(self.slowest_s, ended - began)
        if why:
            self.failures.append(Failure(request=request, began=began, ended=ended, why=why))
        elif request.key:
            self.done.append(request.key)

    async def _answer(self, request: Request) -> str:
        """Return why it failed, or nothing."""
        # A bid answered with 200 was sent once and had arrived before.
        fine = 201 if request.key else 200
        try:
            async with self._session.request(
                request.method,
                self._url + request.path,
                data=request.form or None,
                headers=self._signed_in if request.lot else None,
            ) as answer:
                await answer.read()
                return "" if answer.status == fine else f"status {answer.status}"
        except (aiohttp.ClientError, TimeoutError) as error:
            return type(error).__name__
