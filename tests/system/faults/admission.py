"""More WebSockets at once than a process takes: so many are accepted, and the others get 503."""

import asyncio
import contextlib
import time
from collections import Counter
from dataclasses import dataclass, field

import aiohttp
from faults.row import Bound, Fault, Row
from faults.scene import RATE, under_load, untouched
from faults.site_up import site

PATH = "/ws/marks/"
# Held open by the load, beside the crowd.
HELD = 20
ACCEPTED = 100
BEYOND = 50
# From the end of one WebSocket until its place is free.
FREED_S = 5


@dataclass(kw_only=True)
class Crowd:
    """Handshakes that are sent at once: those accepted, and the answers to the others."""

    url: str
    open: list[aiohttp.ClientWebSocketResponse] = field(default_factory=list)
    refused: list[aiohttp.WSServerHandshakeError] = field(default_factory=list)

    async def __aenter__(self) -> "Crowd":
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0), headers={"Origin": self.url}
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def join(self, count: int) -> None:
        """Send ``count`` handshakes at once."""
        await asyncio.gather(*(self.enter() for _ in range(count)))

    async def enter(self) -> bool:
        """Send one; return whether it was accepted."""
        try:
            self.open.append(await self._session.ws_connect(self.url + PATH))
        except aiohttp.WSServerHandshakeError as error:
            self.refused.append(error)
            return False
        return True

    async def replace_one(self) -> float:
        """Close one WebSocket, and return how long it takes until another has its place."""
        began = time.monotonic()
        await self.open.pop().close()
        while not await self.enter() and time.monotonic() < began + FREED_S:
            await asyncio.sleep(0.02)
        return time.monotonic() - began


async def admit(*, rate: float = RATE) -> Row:
    """Open fifty WebSockets more than there are places, while the site is under load."""
    more = {"ASGI": {"WORKERS": 1, "MAX_WEBSOCKETS": HELD + ACCEPTED}}
    async with contextlib.AsyncExitStack() as stack:
        running = stack.enter_context(site(more=more))
        scene = await stack.enter_async_context(under_load(running, rate=rate, sockets=HELD))
        async with Crowd(url=running.up.url) as crowd:
            await crowd.join(ACCEPTED + BEYOND)
            accepted, refused = len(crowd.open), list(crowd.refused)
            freed_s = await crowd.replace_one()
    untold = sum("Retry-After" not in (each.headers or {}) for each in refused)
    statuses = Counter(each.status for each in refused)
    return scene.row(
        recovery_s=freed_s,
        bounds={
            **untouched(scene),
            "accepted": Bound(value=accepted, at_least=ACCEPTED, at_most=ACCEPTED),
            "503": Bound(value=statuses[503], at_least=BEYOND, at_most=BEYOND),
            "503 without Retry-After": Bound(value=untold, at_most=0),
            "a freed place in s": Bound(value=freed_s, at_most=FREED_S),
        },
    )


FAULTS = (Fault(name="admission", run=admit),)
