"""A site under load with WebSockets open, and what is counted once the load has ended."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from faults.load import Load
from faults.row import Bound, Row
from faults.site_up import Site
from faults.sockets import Sockets

from harness.client import ask

RATE = 100
SOCKETS = 50


@dataclass(kw_only=True)
class Scene:
    """One site while a fault is done to it; ``count`` is filled when the load has ended."""

    site: Site
    load: Load
    sockets: Sockets
    count: dict[str, int] = field(default_factory=dict)

    def row(self, *, closed: Counter[int] | None = None, **more: object) -> Row:
        """Return the row, with the bounds that every fault keeps: nothing twice, nothing lost."""
        bounds = {
            "done twice": Bound(value=len(self.twice), at_most=0),
            "answered and lost": Bound(value=len(self.lost), at_most=0),
            **more.pop("bounds", {}),
        }
        codes = Counter(close.code for close in self.sockets.closes) if closed is None else closed
        return Row(
            sent=self.load.sent,
            failed=dict(Counter(f"{f.request.kind}: {f.why}" for f in self.load.failures)),
            sockets=self.sockets.count,
            closes=dict(codes),
            bounds=bounds,
            **more,
        )

    @property
    def twice(self) -> list[str]:
        return [key for key, times in self.count.items() if times > 1]

    @property
    def lost(self) -> list[str]:
        return [key for key in self.load.done if key not in self.count]


@asynccontextmanager
async def under_load(
    site: Site, *, rate: float = RATE, sockets: int = SOCKETS
) -> AsyncIterator[Scene]:
    """Load the site until the end of the block, then count what was done."""
    url = site.up.url
    async with AsyncExitStack() as stack:
        held = await stack.enter_async_context(Sockets(url, sockets))
        load = await stack.enter_async_context(Load(url, rate, site.token))
        scene = Scene(site=site, load=load, sockets=held)
        yield scene
    answer = await asyncio.to_thread(ask, site.up.port, "/faults/counted/")
    scene.count = answer.json


def untouched(scene: Scene) -> dict[str, Bound]:
    """Return the bounds of a fault that may fail no request."""
    return {
        "failed requests": Bound(value=len(scene.load.failures), at_most=0),
        "closed sockets": Bound(value=len(scene.sockets.closes), at_most=0),
        "refused handshakes": Bound(value=len(scene.sockets.refused), at_most=0),
    }
