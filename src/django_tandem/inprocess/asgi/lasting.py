"""Redis channel layers that live through a restart of Redis, and with them the sockets above."""

import asyncio
import functools
import logging
import random
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

logger = logging.getLogger(__name__)

# How soon to ask again, and how seldom at most.
FIRST_S = 0.05
LONGEST_S = 1.0
# How long one who sends something waits for Redis to come back.
SEND_S = 5.0
# What redis raises when a server is away, is still loading, or has handed over to another.
LOST = ("ConnectionError", "TimeoutError", "ReadOnlyError")
# Raised by a connection that could not be made, so that nothing was sent over it.
UNSENT = (ConnectionRefusedError, FileNotFoundError)


class Lasting:
    """
    What one layer of this process does while Redis is away, and once it is back.

    channels_redis lets the error out of ``receive``, which ends every consumer that listens; and a
    Redis that keeps nothing on disk has forgotten which groups they were in. So here whoever
    receives waits, and the groups of this process's own channels are known and joined again.
    """

    def __init__(self, layer: Any, lost: tuple[type[Exception], ...]) -> None:
        self._layer = layer
        self._lost = lost
        self._groups: dict[str, set[str]] = {}
        # Which servers answered, by an id that each draws when it starts; None before any did.
        self._servers: tuple[str, ...] | None = None
        self._recovery: asyncio.Task[None] | None = None
        self._receive, self._new_channel = layer.receive, layer.new_channel
        self._group_add, self._group_discard = layer.group_add, layer.group_discard
        layer.receive, layer.new_channel = self.receive, self.new_channel
        layer.group_add, layer.group_discard = self.group_add, self.group_discard
        layer.send = self._patient(layer.send)
        layer.group_send = self._patient(layer.group_send)

    async def new_channel(self, *args: Any, **named: Any) -> str:
        """Return a new channel, whose groups are known as long as the task that asked runs."""
        channel: str = await self._new_channel(*args, **named)
        task = asyncio.current_task()
        if task is not None:
            self._groups[channel] = set()
            task.add_done_callback(lambda _: self._groups.pop(channel, None))
        return channel

    async def group_add(self, group: str, channel: str) -> None:
        """Add the channel to the group, and remember it."""
        await self._meet()
        await self._patient(self._group_add)(group, channel)
        if channel in self._groups:
            self._groups[channel].add(group)

    async def group_discard(self, group: str, channel: str) -> None:
        """Take the channel out of the group."""
        self._groups.get(channel, set()).discard(group)
        await self._patient(self._group_discard)(group, channel)

    async def receive(self, channel: str) -> Any:
        """Receive the next message, however long Redis is away meanwhile."""
        await self._meet()
        while True:
            try:
                return await self._receive(channel)
            except self._lost as error:
                await self._recovered(error)

    def _patient(self, send: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        @functools.wraps(send)
        async def send_or_wait(*args: Any, **named: Any) -> None:
            try:
                await send(*args, **named)
            except self._lost as error:
                # A message is never to arrive twice: what may have been sent is not sent again.
                if self._servers is None or not isinstance(error.__context__, UNSENT):
                    raise
                async with asyncio.timeout(SEND_S):
                    await self._recovered(error)
                await send(*args, **named)

        return send_or_wait

    async def _meet(self) -> None:
        # What has never answered is not away but wrong, and its error is for people to see.
        if self._servers is None:
            self._servers = await self._identify()

    async def _recovered(self, error: Exception) -> None:
        task = self._recovery
        if task is None or task.done() or task.get_loop() is not asyncio.get_running_loop():
            task = self._recovery = asyncio.ensure_future(self._recover(error))
        # One asks for all, however many wait.
        await asyncio.shield(task)

    async def _recover(self, error: Exception) -> None:
        since, delay_s = time.monotonic(), FIRST_S
        while True:
            try:
                servers = await self._identify()
                if not servers or servers != self._servers:
                    await self._join_again()
            except self._lost:
                if delay_s == FIRST_S:
                    logger.warning("Redis is away, its return is awaited: %s", error)
                await asyncio.sleep(delay_s * random.uniform(0.5, 1))  # noqa: S311
                delay_s = min(2 * delay_s, LONGEST_S)
            else:
                self._servers = servers
                break
        if delay_s > FIRST_S:
            logger.warning("Redis is back after %.1f s.", time.monotonic() - since)

    async def _identify(self) -> tuple[str, ...]:
        servers = [self._layer.connection(index) for index in range(self._layer.ring_size)]
        try:
            return tuple([str((await server.info("server"))["run_id"]) for server in servers])
        except self._lost:
            raise
        except Exception:  # noqa: BLE001 - not everyone may ask for it, nor answers it
            for server in servers:
                await server.ping()
            return ()

    async def _join_again(self) -> None:
        members: dict[str, dict[str, float]] = {}
        for channel, groups in self._groups.items():
            for group in groups:
                members.setdefault(group, {})[channel] = time.time()
        for group, channels in members.items():
            key = self._layer._group_key(group)
            connection = self._layer.connection(self._layer.consistent_hash(group))
            await connection.zadd(key, channels)
            await connection.expire(key, self._layer.group_expiry)


def install() -> None:
    """Make every Redis layer of the project last, also one that is only made later."""
    channels = sys.modules.get("channels.layers")
    manager = getattr(channels, "channel_layers", None)
    if manager is None:
        return
    make = manager.make_backend
    manager.make_backend = lambda name: lasting(make(name))
    for layer in manager.backends.values():
        lasting(layer)


def lasting(layer: Any) -> Any:
    """Return the layer, which lasts if it is the one that keeps its messages in Redis."""
    core = sys.modules.get("channels_redis.core")
    if core is not None and isinstance(layer, core.RedisChannelLayer):
        errors = sys.modules["redis.exceptions"]
        Lasting(layer, tuple(getattr(errors, name) for name in LOST))
    return layer
