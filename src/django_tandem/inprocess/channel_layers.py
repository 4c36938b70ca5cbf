"""
Redis channel layers that reconnect, that time out, and that keep an open socket in its groups.

For a worker, a layer also delivers each message at most once.
"""

import asyncio
import functools
import logging
import sys
import time
import uuid
from collections.abc import Awaitable, Callable, Iterable
from importlib import import_module
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from django_tandem import fingerprints
from django_tandem.channels.redis_limits import FIRST_RETRY_S, pause, time_limit

logger = logging.getLogger(__name__)

# Raised when a server is down, is still loading, or has failed over to another.
UNAVAILABLE = ("ConnectionError", "TimeoutError", "ReadOnlyError")
# Errors after which nothing was sent: the connection could not be opened.
NOT_CONNECTED = (ConnectionRefusedError, FileNotFoundError)
# Memberships are renewed this many times before they would expire.
RENEWALS_PER_EXPIRY = 3
# How long a worker's blocking pop waits for a message, and so how long a stop may take.
POP_TIMEOUT_S = 1

_LAYER = "channels_redis.core.RedisChannelLayer"
# The code that ReconnectingLayer wraps, and that AtMostOnceReceive replaces.
WRAPPED = (
    "channels.layers.ChannelLayerManager.make_backend",
    *(f"{_LAYER}.{name}" for name in ("receive", "new_channel", "send", "connection")),
    *(f"{_LAYER}.{name}" for name in ("group_add", "group_discard", "group_send")),
    *(f"{_LAYER}.{name}" for name in ("_group_key", "consistent_hash")),
)
REPLACED = (
    *(f"{_LAYER}.{name}" for name in ("receive", "receive_single")),
    *(f"{_LAYER}.{name}" for name in ("_brpop_with_clean", "_clean_receive_backup")),
)


class ReconnectingLayer:
    """
    Makes one layer of this process wait for Redis for a bounded time, and rejoin its groups.

    channels_redis raises the error from ``receive``, which ends every consumer that listens; and
    a Redis without persistence has lost the groups. So ``receive`` retries here, and the groups
    of this process's own channels are remembered, joined again, and renewed before they expire.
    """

    def __init__(self, layer: Any, errors: Any) -> None:
        self._layer = layer
        self._unavailable = tuple(getattr(errors, name) for name in UNAVAILABLE)
        self._timeout_error = errors.TimeoutError
        self._groups: dict[str, set[str]] = {}
        # The run ids of the servers, which each draws at its start; None before any answered.
        self._run_ids: tuple[str, ...] | None = None
        self._reconnection: asyncio.Task[None] | None = None
        self._renewal: asyncio.Task[None] | None = None
        self._receive, self._new_channel = layer.receive, layer.new_channel
        self._group_add, self._group_discard = layer.group_add, layer.group_discard
        layer.receive, layer.new_channel = self.receive, self.new_channel
        layer.group_add, layer.group_discard = self.group_add, self.group_discard
        layer.send = self._with_retry(layer.send)
        layer.group_send = self._with_retry(layer.group_send)

    async def new_channel(self, *args: Any, **named: Any) -> str:
        """Return a new channel, whose groups are remembered until the calling task ends."""
        channel: str = await self._new_channel(*args, **named)
        task = asyncio.current_task()
        if task is not None:
            self._groups[channel] = set()
            task.add_done_callback(lambda _: self._groups.pop(channel, None))
        return channel

    async def group_add(self, group: str, channel: str) -> None:
        """Add the channel to the group, and remember it."""
        await self._connect_first()
        await self._with_retry(self._group_add)(group, channel)
        if channel in self._groups:
            self._groups[channel].add(group)
            self._start_renewal()

    async def group_discard(self, group: str, channel: str) -> None:
        """Remove the channel from the group."""
        self._groups.get(channel, set()).discard(group)
        await self._with_retry(self._group_discard)(group, channel)

    async def receive(self, channel: str) -> Any:
        """Receive the next message, however long Redis is unavailable."""
        await self._connect_first()
        while True:
            try:
                return await self._receive(channel)
            except self._unavailable as error:
                await self._wait_until_available(error)

    def _with_retry(self, send: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        @functools.wraps(send)
        async def send_or_wait(*args: Any, **named: Any) -> None:
            async with time_limit(self._timeout_error):
                try:
                    await send(*args, **named)
                except self._unavailable as error:
                    # No message may arrive twice: what may have been sent is not sent again.
                    if self._run_ids is None or not isinstance(error.__context__, NOT_CONNECTED):
                        raise
                    await self._wait_until_available(error)
                    await send(*args, **named)

        return send_or_wait

    async def _connect_first(self) -> None:
        # A server that never answered is misconfigured, and its error must reach people.
        if self._run_ids is None:
            self._run_ids = await self._read_run_ids()

    async def _wait_until_available(self, error: Exception) -> None:
        task = self._reconnection
        if task is None or task.done() or task.get_loop() is not asyncio.get_running_loop():
            task = self._reconnection = asyncio.ensure_future(self._reconnect(error))
        # One task polls for all who wait.
        await asyncio.shield(task)

    async def _reconnect(self, error: Exception) -> None:
        since, delay_s = time.monotonic(), FIRST_RETRY_S
        while True:
            try:
                run_ids = await self._read_run_ids()
                if not run_ids or run_ids != self._run_ids:
                    await self._rejoin_groups()
            except self._unavailable:
                if delay_s == FIRST_RETRY_S:
                    logger.warning("Redis is unavailable, reconnecting: %s", error)
                delay_s = await pause(delay_s)
            else:
                self._run_ids = run_ids
                break
        if delay_s > FIRST_RETRY_S:
            logger.warning("Redis is available again after %.1f s.", time.monotonic() - since)

    async def _read_run_ids(self) -> tuple[str, ...]:
        servers = [self._layer.connection(index) for index in range(self._layer.ring_size)]
        async with time_limit(self._timeout_error):
            try:
                return tuple([str((await server.info("server"))["run_id"]) for server in servers])
            except (*self._unavailable, TimeoutError):
                raise
            except Exception:  # noqa: BLE001 - INFO may be forbidden, or not implemented
                for server in servers:
                    await server.ping()
                return ()

    def _start_renewal(self) -> None:
        task = self._renewal
        if task is None or task.done():
            self._renewal = asyncio.ensure_future(self._renew_groups())

    async def _renew_groups(self) -> None:
        # A membership expires, and no consumer notices: its socket stays open without messages.
        while any(self._groups.values()):
            await asyncio.sleep(self._layer.group_expiry / RENEWALS_PER_EXPIRY)
            try:
                async with time_limit(self._timeout_error):
                    await self._rejoin_groups()
            except self._unavailable as error:
                await self._wait_until_available(error)

    async def _rejoin_groups(self) -> None:
        members: dict[str, dict[str, float]] = {}
        for channel, groups in self._groups.items():
            for group in groups:
                members.setdefault(group, {})[channel] = time.time()
        for group, channels in members.items():
            key = self._layer._group_key(group)
            connection = self._layer.connection(self._layer.consistent_hash(group))
            await connection.zadd(key, channels)
            await connection.expire(key, self._layer.group_expiry)
            # A channel that was discarded meanwhile, on another connection, may be back by that.
            if left := [each for each in channels if group not in self._groups.get(each, ())]:
                await connection.zrem(key, *left)


def limit_time(layer: Any, error: type[Exception]) -> None:
    """Raise ``error`` when a command of the pub/sub layer takes too long; it reconnects itself."""

    def limited(command: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def run(*args: Any, **named: Any) -> Any:
            async with time_limit(error):
                return await command(*args, **named)

        return run

    for name in ("send", "group_send", "group_add", "group_discard"):
        setattr(layer, name, limited(getattr(layer, name)))


def install_reconnecting() -> None:
    """
    Make every Redis layer of the project reconnect, also those that are made later.

    Call it when the project is loaded: only then it is known whether it uses Channels.
    """
    channels = sys.modules.get("channels.layers")
    manager = getattr(channels, "channel_layers", None)
    if manager is None:
        return
    make = manager.make_backend
    manager.make_backend = lambda name: reconnecting(make(name))
    for layer in manager.backends.values():
        reconnecting(layer)


def renew_identities() -> None:
    """
    Give each Redis layer that was made before a fork an identity of this process.

    A process receives what is sent to the channels with its prefix, and drops what is not for its
    own consumers: two with the same prefix would take each other's messages.
    """
    manager = getattr(sys.modules.get("channels.layers"), "channel_layers", None)
    for layer in getattr(manager, "backends", {}).values():
        if hasattr(layer, "client_prefix"):
            layer.client_prefix = uuid.uuid4().hex


def import_backends() -> None:
    """Import the layers of the project's settings, which its first message would import."""
    for layer in getattr(settings, "CHANNEL_LAYERS", {}).values():
        import_string(layer["BACKEND"])


def reconnecting(layer: Any) -> Any:
    """Return the layer, made to reconnect and to time out if its messages go through Redis."""
    core = sys.modules.get("channels_redis.core")
    if core is not None and isinstance(layer, core.RedisChannelLayer) and _is_wrapped_known():
        ReconnectingLayer(layer, sys.modules["redis.exceptions"])
    pubsub = sys.modules.get("channels_redis.pubsub")
    if pubsub is not None and isinstance(layer, pubsub.RedisPubSubChannelLayer):
        limit_time(layer, sys.modules["redis.exceptions"].TimeoutError)
        # It imports that layer, which most projects don't.
        import_module("django_tandem.inprocess.channel_queues").bound_queues()
    return layer


@functools.cache
def _is_wrapped_known() -> bool:
    return fingerprints.are_known(
        WRAPPED, otherwise="WebSockets that listen to a channel layer end when Redis restarts."
    )


class ReceiveStopped(Exception):  # noqa: N818 - nothing went wrong
    """No message was taken, and none will be."""


class AtMostOnceReceive:
    """
    The receive of a worker, which can be stopped between two messages.

    channels_redis backs up in Redis each message that it takes, and each worker first restores
    what it finds there: also what another worker has just taken. Of two workers on one channel,
    as at a reload, one message in five was processed twice. So nothing is backed up here; and as
    a cancelled pop loses its message, it is never cancelled, but stopped before the next one.
    """

    def __init__(self, layer: Any) -> None:
        self._layer = layer
        self._pop: Any = getattr(layer, "_brpop_with_clean", None)
        self._clean_backup: Any = getattr(layer, "_clean_receive_backup", None)
        self._is_stopping = False
        is_redis = self._pop is not None and self._clean_backup is not None
        self._is_installed = is_redis and fingerprints.are_known(
            REPLACED, otherwise="During a reload some channel messages are processed twice."
        )
        if self._is_installed:
            layer.brpop_timeout = min(layer.brpop_timeout, POP_TIMEOUT_S)
            layer._brpop_with_clean = self._pop_without_backup
            layer._clean_receive_backup = self._clean_own_backup

    async def stop(self, listeners: Iterable[asyncio.Task[None]]) -> None:
        """Stop the listeners without losing a message that one of them is taking."""
        self._is_stopping = True
        for listener in listeners:
            # A cancellation of the layer's own receive loses no message.
            if not self._is_installed:
                listener.cancel()
        await asyncio.gather(*listeners, return_exceptions=True)

    async def _pop_without_backup(self, index: int, key: str, timeout: float) -> Any:
        if is_local_key(key):
            return await self._pop(index, key, timeout)
        if self._is_stopping:
            raise ReceiveStopped
        popped = await self._layer.connection(index).bzpopmin(key, timeout=timeout)
        return popped[1] if popped else None

    async def _clean_own_backup(self, index: int, key: str) -> None:
        if is_local_key(key):
            await self._clean_backup(index, key)


def is_local_key(key: str) -> bool:
    """Return whether only one process reads the channel of ``key``."""
    return key.endswith("!")
