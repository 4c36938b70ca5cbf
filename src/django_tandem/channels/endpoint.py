"""What one event loop has of a layer: its channels and groups, and its connections to Redis."""

import asyncio
import contextlib
import logging
import math
import time
import uuid
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from channels.exceptions import ChannelFull

from django_tandem.channels.connection import Connection
from django_tandem.channels.frame import Message
from django_tandem.channels.local_channels import Deliver, LocalChannels
from django_tandem.channels.redis_limits import TIMEOUT_S
from django_tandem.channels.shards import index_of, make_shards

logger = logging.getLogger(__name__)

# Of all layers: one that is dropped keeps its connections until its event loop ends.
_tasks: set[asyncio.Task[None]] = set()

# What a process gets on its own name: a message for one of its channels, or, from another
# process, a group that one of them joins or leaves.
_MESSAGE, _JOIN, _LEAVE = b"m", b"+", b"-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What the setting of a layer gives, and what decodes its messages."""

    hosts: Sequence[dict[str, Any]]
    is_cluster: bool
    prefix: str
    expiry_s: float
    group_expiry_s: int
    capacity_of: Callable[[str], int]
    decode: Callable[[bytes], Message]


class Endpoint:
    """
    The layer as one event loop uses it.

    Its channels are named for its ``identity``, and what is sent to them is published on one name.
    It subscribes to that name, and to each group that one of its channels is a member of.
    """

    def __init__(self, config: Config, on_end: Callable[[], None]) -> None:
        self.identity = uuid.uuid4().hex
        self._config = config
        self._on_end = on_end
        self._connections = [
            Connection(shard, config.prefix, config.expiry_s, self._on_message)
            for shard in make_shards(config.hosts, is_cluster=config.is_cluster)
        ]
        self.channels = LocalChannels(config.expiry_s, config.capacity_of)
        self._own_name = self._process_name(self.identity)
        self._keep(self._close_with_the_loop())

    async def new_channel(self, prefix: str) -> str:
        """Return the name of a new channel, to which messages can be sent."""
        await self._subscribe_to_own()
        name = f"{prefix}.{self.identity}!{uuid.uuid4().hex}"
        self.channels.open(name)
        task = asyncio.current_task()
        if task is not None:
            task.add_done_callback(lambda _: self._orphan(name))
        return name

    async def receive(self, name: str) -> Message:
        """Return the next message of a channel of this event loop."""
        if name not in self.channels:
            logger.warning("Channel %r was closed: it is created again, in no group.", name)
            await self._subscribe_to_own()
        channel = self.channels.open(name)
        try:
            while (message := channel.take()) is None:
                await channel.wait()
        except asyncio.CancelledError:
            if channel.is_orphan:
                self._close_later(name, channel.receives)
            raise
        return message

    def attach(self, name: str, deliver: Deliver) -> Callable[[], None]:
        """Hand each message of the channel to ``deliver``, and return what ends that."""
        channel = self.channels.open(name)
        channel.attach(deliver)

        def detach() -> None:
            if channel.deliver is deliver:
                channel.deliver = None
                self._close_if_unused(name)

        return detach

    async def send(self, channel: str, data: bytes) -> None:
        """Send to a channel of any process; raises ChannelFull if it is one of workers and full."""
        if "!" not in channel:
            connection = self._of(channel)
            name = self._name("channel", channel)
            await connection.queues.send(name, data, self._config.capacity_of(channel))
            return
        identity = identity_of(channel)
        connection = self._of(identity)
        named = b"".join((_MESSAGE, channel.encode(), b"\0", data))
        await connection.publish(self._process_name(identity), named)

    async def receive_work(self, channel: str) -> bytes:
        """Return the next message of a channel that other processes receive from too."""
        return await self._of(channel).receive(self._name("channel", channel))

    async def group_add(self, group: str, channel: str) -> None:
        """Make the channel a member; when it returns, what is sent to the group reaches it."""
        if "!" not in channel:
            connection, members = self._of(group), self._name("members", group)
            await connection.execute("ZADD", members, time.time(), channel)
            await connection.execute("EXPIRE", members, self._config.group_expiry_s)
        elif identity_of(channel) != self.identity:
            await self._change_elsewhere(_JOIN, group, channel)
        elif channel in self.channels:
            await self._join(self._name("group", group), group, channel)
        else:
            logger.warning("Channel %r has ended, and does not join the group %r.", channel, group)

    async def group_discard(self, group: str, channel: str) -> None:
        """End the membership, if there is one."""
        if "!" not in channel:
            await self._of(group).execute("ZREM", self._name("members", group), channel)
        elif identity_of(channel) != self.identity:
            await self._change_elsewhere(_LEAVE, group, channel)
        else:
            self._leave(group, channel)

    async def group_send(self, group: str, data: bytes) -> None:
        """Send to each member of the group."""
        connection = self._of(group)
        since = time.time() - self._config.group_expiry_s
        for channel in await connection.publish_to_group(group, data, since):
            with contextlib.suppress(ChannelFull):
                await self.send(channel.decode(), data)

    async def flush(self) -> None:
        """Delete what the layer has in Redis, and forget the channels of this event loop."""
        await self.aclose()
        for connection in self._connections:
            await connection.shard.flush(f"{self._config.prefix}:{connection.shard.tag}")
        await self.aclose()

    async def aclose(self) -> None:
        """Forget the channels of this event loop, and close its connections."""
        self.channels.clear()
        for connection in self._connections:
            await connection.aclose()

    # The life of a channel, whose end Channels has no call for

    def _orphan(self, name: str) -> None:
        """Close the channel with the task that made it, which is its consumer's, or later."""
        if name not in self.channels:
            return
        channel = self.channels.open(name)
        channel.is_orphan = True
        if channel.was_received:
            self._close_if_unused(name)
        else:
            # The task may have been that of a wait_for, and the consumer's is another.
            loop = asyncio.get_running_loop()
            loop.call_later(self._config.group_expiry_s, self._close_if_unused, name)

    def _close_later(self, name: str, receives: int) -> None:
        """Close the channel unless it is received from again: that receive may have timed out."""

        def close() -> None:
            if name in self.channels and self.channels.open(name).receives == receives:
                self._close_if_unused(name)

        asyncio.get_running_loop().call_later(self._config.expiry_s, close)

    def _close_if_unused(self, name: str) -> None:
        if name in self.channels and self.channels.open(name).is_unused:
            for group in self.channels.close(name):
                self._unsubscribe(group)

    # Groups

    async def _join(self, name: bytes, group: str, channel: str) -> None:
        is_new = self.channels.join(name, channel)
        try:
            await self._of(group).subscribe(name)
        except BaseException:
            if is_new:
                self._leave(group, channel)
            raise

    def _leave(self, group: str, channel: str) -> None:
        name = self._name("group", group)
        if self.channels.leave(name, channel):
            self._of(group).subscriptions.discard(name)

    def _unsubscribe(self, name: bytes) -> None:
        for connection in self._connections:
            connection.subscriptions.discard(name)

    async def _change_elsewhere(self, change: bytes, group: str, channel: str) -> None:
        """Have the process of the channel make it a member, or end that, and await its answer."""
        identity = identity_of(channel)
        connection = self._of(identity)
        answer = connection.name("answer", uuid.uuid4().hex)
        request = change + b"\0".join((channel.encode(), group.encode(), answer))
        await connection.request(self._process_name(identity), request, answer)

    async def _change_own(self, change: bytes, channel: str, rest: bytes) -> None:
        group, _, answer = rest.partition(b"\0")
        is_join = change == _JOIN
        await (self.group_add if is_join else self.group_discard)(group.decode(), channel)
        connection = self._of(self.identity)
        await connection.execute("RPUSH", answer, b"")
        await connection.execute("EXPIRE", answer, math.ceil(TIMEOUT_S))

    # Messages

    async def _on_message(self, name: bytes, data: bytes) -> None:
        try:
            if name == self._own_name:
                self._take_own(data)
            elif self.channels.has_members(name):
                await self.channels.put_to_group(name, self._config.decode(data))
        except Exception:
            # One that can't be decoded, as its key is another.
            logger.exception("A message of the channel layer was dropped.")

    def _take_own(self, data: bytes) -> None:
        kind = data[:1]
        name, _, rest = data[1:].partition(b"\0")
        channel = name.decode()
        if kind != _MESSAGE:
            self._keep(self._change_own(kind, channel, rest))
        elif channel in self.channels:
            self.channels.put(channel, self._config.decode(rest))

    # Names and connections

    async def _subscribe_to_own(self) -> None:
        await self._of(self.identity).subscribe(self._own_name)

    def _of(self, key: str) -> Connection:
        return self._connections[index_of(key, len(self._connections))]

    def _name(self, kind: str, key: str) -> bytes:
        return self._of(key).name(kind, key)

    def _process_name(self, identity: str) -> bytes:
        return self._name("process", identity)

    def _keep(self, coroutine: Coroutine[Any, Any, None]) -> None:
        # asyncio itself keeps weak references alone.
        task = asyncio.ensure_future(coroutine)
        _tasks.add(task)
        task.add_done_callback(_tasks.discard)

    async def _close_with_the_loop(self) -> None:
        # The tasks of an event loop are cancelled before it is closed.
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self._on_end()
            await self.aclose()
            raise


def identity_of(channel: str) -> str:
    """Return the identity of the event loop that receives from the channel."""
    return channel.partition("!")[0].rpartition(".")[2]
