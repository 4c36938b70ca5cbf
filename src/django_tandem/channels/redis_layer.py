"""A channel layer on Redis: one subscription for each group in a process, one decode a message."""

import asyncio
import os
import sys
import threading
import weakref
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, TypeVar

from channels.layers import BaseChannelLayer
from channels_redis.serializers import registry
from channels_redis.utils import decode_hosts

from django_tandem.channels.endpoint import Config, Endpoint, identity_of
from django_tandem.channels.frame import Message
from django_tandem.channels.local_channels import Deliver

_T = TypeVar("_T")

# An event loop that has sent this often is not one of async_to_sync, and gets its connections.
SENDS_OF_A_LASTING_LOOP = 20

_layers: "weakref.WeakSet[RedisLayer]" = weakref.WeakSet()
# Of the process that forked: to close the copy of a connection here could end it there.
_abandoned: list[object] = []


class SenderThread:
    """
    One daemon thread, started at its first use, whose event loop sends for those that end at once.

    A connection belongs to one event loop. A view on WSGI has a new one for each `async_to_sync`,
    and would open a connection for each message.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def run(self, command: Callable[[], Awaitable[_T]]) -> _T:
        """Return what ``command`` returns, or raise its error, which it does on the thread."""

        async def run() -> _T:
            return await command()

        future = asyncio.run_coroutine_threadsafe(run(), self._started())
        return await asyncio.wrap_future(future)

    def _started(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                run = self._loop.run_forever
                threading.Thread(target=run, name="tandem-channels", daemon=True).start()
            return self._loop


def are_threads_greenlets() -> bool:
    """Return whether gevent or eventlet runs threads as greenlets, which share an event loop."""
    gevent, eventlet = sys.modules.get("gevent.monkey"), sys.modules.get("eventlet.patcher")
    return bool(
        (gevent is not None and gevent.is_module_patched("threading"))
        or (eventlet is not None and eventlet.is_monkey_patched("thread"))
    )


class RedisLayer(BaseChannelLayer):  # type: ignore[misc]
    """
    The channel layer of Channels, with the options of channels_redis' RedisChannelLayer.

    ``cluster`` says that ``hosts`` are nodes of one Redis Cluster, of version 7 or newer, or of
    Valkey. Each message is delivered at most once.
    """

    extensions = ("groups", "flush")

    def __init__(
        self,
        *,
        hosts: Iterable[Any] | None = None,
        prefix: str = "asgi",
        expiry: float = 60,
        group_expiry: int = 86400,
        capacity: int = 100,
        channel_capacity: Mapping[Any, int] | None = None,
        symmetric_encryption_keys: Iterable[str | bytes] | None = None,
        random_prefix_length: int = 0,
        serializer_format: str = "msgpack",
        cluster: bool = False,
    ) -> None:
        super().__init__(expiry=expiry, capacity=capacity)
        self.channel_capacity = self.compile_capacities(channel_capacity or {})
        serializer = registry.get_serializer(
            serializer_format,
            random_prefix_length=random_prefix_length,
            expiry=expiry,
            symmetric_encryption_keys=symmetric_encryption_keys,
        )
        self._config = Config(
            hosts=decode_hosts(hosts),
            is_cluster=cluster,
            prefix=prefix,
            expiry_s=expiry,
            group_expiry_s=group_expiry,
            capacity_of=self.get_capacity,
            decode=self.deserialize,
        )
        self._serializer = serializer
        self._forget_endpoints()
        _layers.add(self)

    # Channels

    async def new_channel(self, prefix: str = "specific") -> str:
        """Return the name of a new channel, which this event loop alone receives from."""
        return await self._endpoint().new_channel(prefix)

    async def send(self, channel: str, message: Message) -> None:
        """Send to a channel; raises ChannelFull if it is one of workers and at its capacity."""
        self.require_valid_channel_name(channel)
        data = self._encode(message)
        await self._send(lambda endpoint: endpoint.send(channel, data))

    async def receive(self, channel: str) -> Message:
        """Return the next message of the channel, once there is one."""
        endpoint = self._endpoint()
        if channel in endpoint.channels:
            return await endpoint.receive(channel)
        self.require_valid_channel_name(channel)
        if "!" not in channel:
            return self.deserialize(await endpoint.receive_work(channel))
        if identity_of(channel) != endpoint.identity:
            # As channels_redis does.
            raise AssertionError(f"{channel!r} is not a channel of this event loop.")
        return await endpoint.receive(channel)

    def attach(self, channel: str, deliver: Deliver) -> Callable[[], None]:
        """
        Hand each message of a channel of this event loop to ``deliver``, in order.

        It is called in the event loop, first with what waits to be received, and must neither wait
        nor raise. Each call gets another dict, which it may change, or a Frame, which all
        members of a group share. The function that is returned ends it.
        """
        return self._endpoint().attach(channel, deliver)

    # Groups

    async def group_add(self, group: str, channel: str) -> None:
        """Add the channel to the group; a message that is sent to the group then reaches it."""
        self.require_valid_group_name(group)
        self.require_valid_channel_name(channel)
        await self._send(lambda endpoint: endpoint.group_add(group, channel))

    async def group_discard(self, group: str, channel: str) -> None:
        """Remove the channel from the group, if it is a member."""
        self.require_valid_group_name(group)
        self.require_valid_channel_name(channel)
        await self._send(lambda endpoint: endpoint.group_discard(group, channel))

    async def group_send(self, group: str, message: Message) -> None:
        """Send to each member; one that is at its capacity does not get it."""
        self.require_valid_group_name(group)
        data = self._encode(message)
        await self._send(lambda endpoint: endpoint.group_send(group, data))

    # The end

    async def flush(self) -> None:
        """Delete all messages, and forget the channels and groups of this event loop."""
        await self._endpoint().flush()

    async def close(self) -> None:
        """Forget the channels of this event loop, and close its connections."""
        await self._endpoint().aclose()

    # Serialization, which a subclass may replace

    def serialize(self, message: Message) -> bytes:
        """Return the bytes that Redis gets."""
        data: bytes = self._serializer.serialize(message)
        return data

    def deserialize(self, data: bytes) -> Message:
        """Return the message of these bytes."""
        message: Message = self._serializer.deserialize(data)
        return message

    # Event loops

    def _encode(self, message: Message) -> bytes:
        if not isinstance(message, dict):
            raise TypeError(f"Expected a dict as the message, got {message!r}.")
        return self.serialize(message)

    async def _send(self, command: Callable[[Endpoint], Awaitable[_T]]) -> _T:
        """Run the command here if this event loop lasts, else where the connections do."""
        loop = asyncio.get_running_loop()
        sends = self._sends[loop] = self._sends.get(loop, 0) + 1
        is_lasting = loop in self._endpoints or sends > SENDS_OF_A_LASTING_LOOP
        if is_lasting or are_threads_greenlets():
            return await command(self._endpoint())
        return await self._thread.run(lambda: command(self._endpoint()))

    def _endpoint(self) -> Endpoint:
        """Return what the running event loop has of this layer."""
        loop = asyncio.get_running_loop()
        endpoint = self._endpoints.get(loop)
        if endpoint is None:
            # Other threads add theirs, and forget those of closed event loops, at the same time.
            for each in [each for each in list(self._endpoints) if each.is_closed()]:
                self._endpoints.pop(each, None)
            endpoints = self._endpoints
            endpoint = endpoints[loop] = Endpoint(self._config, lambda: _drop(endpoints, loop))
        return endpoint

    def _forget_endpoints(self) -> None:
        self._endpoints: dict[asyncio.AbstractEventLoop, Endpoint] = {}
        self._sends: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, int] = (
            weakref.WeakKeyDictionary()
        )
        self._thread = SenderThread()

    def _forget_parent(self) -> None:
        _abandoned.append((self._endpoints, self._thread))
        self._forget_endpoints()


def _drop(
    endpoints: dict[asyncio.AbstractEventLoop, Endpoint], loop: asyncio.AbstractEventLoop
) -> None:
    endpoints.pop(loop, None)


def _after_fork() -> None:
    for layer in list(_layers):
        layer._forget_parent()


os.register_at_fork(after_in_child=_after_fork)
