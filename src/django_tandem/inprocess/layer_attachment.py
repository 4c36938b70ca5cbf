"""
Attaches a consumer's mailbox to its channel layer, which from then on delivers into it.

A layer of ours has a method for it. The two of channels_redis keep a queue for each channel, and
in its place they get an object that delivers. Any other layer is received from, as Channels does.
"""

import asyncio
import contextlib
import functools
import sys
from collections.abc import Callable
from contextvars import Context
from typing import Any, Protocol

from django_tandem import fingerprints
from django_tandem.channels.frame import BROADCAST, Frame, is_flat
from django_tandem.channels.mailbox import Mailbox

_CORE = "channels_redis.core.RedisChannelLayer"
_PUBSUB = "channels_redis.pubsub"
CORE_SOURCES = tuple(f"{_CORE}.{name}" for name in ("receive", "receive_single", "new_channel"))
PUBSUB_SOURCES = (
    f"{_PUBSUB}.RedisPubSubChannelLayer._get_layer",
    f"{_PUBSUB}.RedisPubSubLoopLayer._subscribe_to_channel",
    f"{_PUBSUB}.RedisPubSubLoopLayer.new_channel",
    f"{_PUBSUB}.RedisPubSubLoopLayer.receive",
    f"{_PUBSUB}.RedisSingleShardConnection._receive_message",
)
# The attribute of a core layer.
_RECEIVER = "_tandem_receiver"
OTHERWISE = "Each message of a WebSocket takes several tasks, as without django-tandem."


class Attachment(Protocol):
    """What ends the delivery."""

    async def detach(self) -> None:
        """Deliver nothing more."""


def attach(layer: Any, channel: str, mailbox: Mailbox) -> Attachment | None:
    """Have the layer deliver the messages of ``channel``; None where it has to be received from."""
    own = getattr(layer, "attach", None)
    if callable(own):
        return _OwnAttachment(own(channel, mailbox.deliver))
    core = sys.modules.get("channels_redis.core")
    if core is not None and isinstance(layer, core.RedisChannelLayer):
        return _attach_to_core(layer, core.RedisChannelLayer, channel, mailbox)
    pubsub = sys.modules.get("channels_redis.pubsub")
    if pubsub is not None and type(layer) is pubsub.RedisPubSubChannelLayer and _is_pubsub_known():
        return _PubSubAttachment(layer, channel, mailbox)
    return None


@functools.cache
def _is_core_known() -> bool:
    return fingerprints.are_known(CORE_SOURCES, otherwise=OTHERWISE)


@functools.cache
def _is_pubsub_known() -> bool:
    return fingerprints.are_known(PUBSUB_SOURCES, otherwise=OTHERWISE)


class _OwnAttachment:
    __slots__ = ("_detach",)

    def __init__(self, detach: Callable[[], None]) -> None:
        self._detach = detach

    async def detach(self) -> None:
        self._detach()


class _Decoded:
    """The last message of any layer, which is decoded once for the consumers that may share it."""

    def __init__(self) -> None:
        self._given: Any = None
        self._message: dict[str, Any] = {}
        self._frame: Frame | None = None
        self._is_flat = False

    def message(self, given: Any, decode: Callable[[Any], dict[str, Any]]) -> Any:
        """Return the message of ``given``, a copy that its consumer may change, or a frame."""
        if given is not self._given:
            self._message = decode(given)
            self._given = given
            self._frame = _frame(self._message)
            self._is_flat = is_flat(self._message)
        elif not self._is_flat:
            return decode(given)
        return self._frame or self._message.copy()


def _frame(message: dict[str, Any]) -> Frame | None:
    return Frame(message) if message.get("type") == BROADCAST else None


_decoded = _Decoded()


# The pub/sub layer, in which each channel has a queue of messages that are not decoded yet.


class _DetachedError(TimeoutError):
    """Ends the receive of the pub/sub layer, which then unsubscribes from the channel."""


class _PubSubAttachment:
    """A channel's queue, which delivers what is put into it."""

    __slots__ = ("_channel", "_layer", "_mailbox")

    def __init__(self, layer: Any, channel: str, mailbox: Mailbox) -> None:
        self._layer, self._channel, self._mailbox = layer, channel, mailbox
        channels = layer.channels
        queue = channels.get(channel)
        channels[channel] = self
        while queue is not None and not queue.empty():
            self.put_nowait(queue.get_nowait())

    def put_nowait(self, data: bytes) -> None:
        """Deliver a message, or have the consumer raise why it can't be decoded."""
        try:
            message = _decoded.message(data, self._layer.deserialize)
        except Exception as error:  # noqa: BLE001 - it is the consumer's, as it would receive it
            self._mailbox.fail(error)
        else:
            self._mailbox.deliver(message)

    async def get(self) -> bytes:
        """End a receive of this channel."""
        raise _DetachedError

    async def detach(self) -> None:
        """Unsubscribe as the layer does where its receive is cancelled."""
        with contextlib.suppress(_DetachedError):
            await self._layer.receive(self._channel)


# The core layer, in which each receive takes messages for all channels of the process.


class _CoreAttachment:
    """A channel's buffer, which delivers what is put into it."""

    __slots__ = ("_channel", "_mailbox", "_receiver")

    def __init__(self, receiver: "_CoreReceiver", channel: str, mailbox: Mailbox) -> None:
        self._receiver, self._channel, self._mailbox = receiver, channel, mailbox

    def put_nowait(self, message: dict[str, Any]) -> None:
        """Deliver a message, which the layer has decoded once."""
        self._mailbox.deliver(_decoded.message(message, dict))

    def empty(self) -> bool:
        """Return that nothing is kept here."""
        return True

    def fail(self, error: Exception) -> None:
        """Have the consumer raise an error of the layer."""
        self._mailbox.fail(error)

    async def detach(self) -> None:
        """Deliver nothing more."""
        await self._receiver.remove(self._channel)


class _CoreReceiver:
    """The one task that receives for all attached channels of a layer."""

    def __init__(self, layer: Any) -> None:
        self._layer = layer
        self._attached: dict[str, _CoreAttachment] = {}
        self._task: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks = 0

    def add(self, channel: str, mailbox: Mailbox) -> _CoreAttachment | None:
        """Receive for the channel; None where another event loop receives already."""
        loop = asyncio.get_running_loop()
        if self._attached and loop is not self._loop:
            return None
        attachment = _CoreAttachment(self, channel, mailbox)
        buffered = self._layer.receive_buffer.pop(channel, None)
        self._attached[channel] = self._layer.receive_buffer[channel] = attachment
        while buffered is not None and not buffered.empty():
            attachment.put_nowait(buffered.get_nowait())
        if self._task is None or self._task.done():
            self._loop = loop
            self._tasks += 1
            # A channel of the same process, to which nobody sends.
            own = f"{self._layer.non_local_name(channel)}tandem{self._tasks}"
            self._task = loop.create_task(self._receive(own), context=Context())
        return attachment

    async def _receive(self, own: str) -> None:
        while self._attached:
            try:
                await self._layer.receive(own)
            except Exception as error:  # noqa: BLE001 - it is a consumer's, as it would receive it
                channel = next(iter(self._attached), None)
                if channel is not None:
                    self._pop(channel).fail(error)

    def _pop(self, channel: str) -> _CoreAttachment:
        attachment = self._attached.pop(channel)
        if self._layer.receive_buffer.get(channel) is attachment:
            del self._layer.receive_buffer[channel]
        return attachment

    async def remove(self, channel: str) -> None:
        """Receive for the channel no more."""
        if channel in self._attached:
            self._pop(channel)
        if not self._attached and self._task is not None:
            task, self._task = self._task, None
            task.cancel()


def _attach_to_core(
    layer: Any, stock: type, channel: str, mailbox: Mailbox
) -> _CoreAttachment | None:
    names = ("receive", "receive_single", "new_channel")
    is_stock = all(getattr(type(layer), name) is vars(stock)[name] for name in names)
    if not is_stock or not _is_core_known():
        return None
    receiver = vars(layer).get(_RECEIVER)
    if receiver is None:
        receiver = _CoreReceiver(layer)
        setattr(layer, _RECEIVER, receiver)
    added: _CoreAttachment | None = receiver.add(channel, mailbox)
    return added
