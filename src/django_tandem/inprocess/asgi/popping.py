"""How a worker takes messages from a channel layer: each once, also beside another worker."""

import asyncio
from collections.abc import Iterable
from typing import Any

# How long one look into Redis waits for a message, and so how long a stop may take.
LOOK_S = 1


class Stopped(Exception):  # noqa: N818 - nothing went wrong
    """No message was taken, and none will be."""


class Popping:
    """
    The taking of messages, which can be stopped between two of them.

    channels_redis notes in Redis what it has taken, and each worker first puts back what it
    finds noted: what another has just begun, too. Of two that share a channel, as at a reload,
    one message in five was worked on twice. So here nothing is noted; and as what is cancelled
    on its way is lost, it is never cancelled, but stopped where it would look again.
    """

    def __init__(self, layer: Any) -> None:
        self._layer = layer
        self._look: Any = getattr(layer, "_brpop_with_clean", None)
        self._cross_out: Any = getattr(layer, "_clean_receive_backup", None)
        self._is_stopping = False
        if self.is_redis:
            layer.brpop_timeout = min(layer.brpop_timeout, LOOK_S)
            layer._brpop_with_clean = self._look_on
            layer._clean_receive_backup = self._cross_out_own

    @property
    def is_redis(self) -> bool:
        """Whether the layer is the one of channels_redis that keeps its messages in Redis."""
        return self._look is not None and self._cross_out is not None

    async def stop(self, listeners: Iterable[asyncio.Task[None]]) -> None:
        """Wait until no listener has a message on the way; no other layer loses one by a cancel."""
        self._is_stopping = True
        for listener in listeners:
            if not self.is_redis:
                listener.cancel()
        await asyncio.gather(*listeners, return_exceptions=True)

    async def _look_on(self, index: int, key: str, timeout: float) -> Any:
        if is_own(key):
            return await self._look(index, key, timeout)
        if self._is_stopping:
            raise Stopped
        found = await self._layer.connection(index).bzpopmin(key, timeout=timeout)
        return found[1] if found else None

    async def _cross_out_own(self, index: int, key: str) -> None:
        if is_own(key):
            await self._cross_out(index, key)


def is_own(key: str) -> bool:
    """Return whether it is the key of a channel that one process alone reads."""
    return key.endswith("!")
