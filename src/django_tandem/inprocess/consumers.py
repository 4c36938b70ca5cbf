"""
Channels' consumers with one mailbox each, and without a thread for each message.

Channels makes and awaits a task for each message of a consumer, and before it handles one it
closes old database connections on a thread, whether there are any or not: together that is four
fifths of what a message costs. Here a channel layer delivers into the consumer's mailbox, and the
thread is taken only when a connection of that consumer is due to be closed.

Import it where Channels is loaded.
"""

import asyncio
import contextlib
import functools
import os
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from channels import consumer as channels_consumer
from channels import db as channels_db
from channels.consumer import AsyncConsumer
from channels.exceptions import StopConsumer

from django_tandem import environment, fingerprints
from django_tandem.channels.mailbox import Mailbox
from django_tandem.handler.internals import is_original
from django_tandem.handler.protocol import Message, Receive, Scope, Send
from django_tandem.handler.switching import may_close_connections
from django_tandem.inprocess.layer_attachment import attach
from django_tandem.inprocess.websocket_connection import CONNECTION_KEY
from django_tandem.model.connections import MailboxLimits, SlowClient, read_mailbox_limits

Dispatch = Callable[[Message], Awaitable[None]]

# The method of BroadcastMixin that returns ``send`` if a frame may be written by it unchanged.
WRITER = "tandem_frame_writer"

REPLACED = (
    "channels.consumer.AsyncConsumer.__call__",
    "channels.consumer.AsyncConsumer.dispatch",
    "channels.db.DatabaseSyncToAsync",
    "channels.db.aclose_old_connections",
    "channels.utils.await_many_dispatch",
)
# The modules that have the function by name.
CLOSING = tuple(
    f"channels.{name}" for name in ("db", "consumer", "generic.http", "generic.websocket")
)

_stock_call = AsyncConsumer.__call__
# None before Channels 4.2, which is served unchanged.
_stock_close = getattr(channels_db, "aclose_old_connections", None)


class Source:
    """One source of messages that a task awaits, as Channels does: the socket, or a layer."""

    __slots__ = ("_mailbox", "_receive", "_task", "is_handled")

    def __init__(self, receive: Receive, mailbox: Mailbox) -> None:
        self._receive = receive
        self._mailbox = mailbox
        self.restart()

    def restart(self) -> None:
        """Receive the next message; only once the last one was handled."""
        # Whether its message was taken, and is being handled.
        self.is_handled = False
        self._task: asyncio.Future[Message] = asyncio.ensure_future(self._receive())
        self._task.add_done_callback(self._mailbox.wake)

    @property
    def is_ready(self) -> bool:
        """Whether it has a message."""
        return self._task.done()

    def take(self) -> Message:
        """Return its message; raises what its receive has raised."""
        self.is_handled = True
        return self._task.result()

    async def stop(self) -> None:
        """Cancel it, and wait for its end."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task


class ConsumerMailbox(Mailbox):
    """A mailbox, the other sources, and the loop that hands each message to the consumer."""

    __slots__ = ("_cancelling", "_connection", "_is_interrupted", "_sources", "_task")

    def __init__(self, limits: MailboxLimits, connection: Any, writer: Send | None = None) -> None:
        super().__init__(limits, writer)
        self._connection = connection
        self._sources: tuple[Source, ...] = ()
        self._task: asyncio.Task[Any] | None = None
        # Whether the handler was cancelled here, and how often by others before.
        self._is_interrupted = False
        self._cancelling = 0

    async def run(self, receivers: list[Receive], dispatch: Dispatch) -> None:
        """Handle one message at a time, until the consumer or the server ends it."""
        self._task = asyncio.current_task()
        self._sources = tuple([Source(receive, self) for receive in receivers])
        try:
            while True:
                try:
                    await self._handle(dispatch)
                except asyncio.CancelledError:
                    if not self._take_back():
                        raise
                    self._restart_handled()
                else:
                    if self._is_interrupted:
                        # The handler has caught it.
                        self._take_back()
        finally:
            self.close()
            for source in self._sources:
                await source.stop()
            self._sources = ()

    async def _handle(self, dispatch: Dispatch) -> None:
        """Handle a message of each source and one of the layer, as Channels' own loop does."""
        # First, as what a handler sends waits for it.
        if self.is_writing:
            await self.finish_write()
        is_idle = True
        for source in self._sources:
            if source.is_ready:
                is_idle = False
                await dispatch(source.take())
                source.restart()
        if self:
            await dispatch(self.take())
            # A handler may never suspend, and the other sockets have their turn.
            if self:
                await asyncio.sleep(0)
        elif is_idle:
            await self.wait()

    def close_slow_client(self) -> bool:
        """Close the WebSocket with 1013; its consumer gets the disconnect as its next message."""
        connection = self._connection
        if connection is None or not connection.close_unread():
            return False
        # A handler that waits for a client that does not read would never end.
        if self.is_writing:
            # It has begun outside the task, which waits for something else.
            self.abandon_write()
        elif connection.sender is self._task and self._task is not None:
            self._is_interrupted = True
            self._cancelling = self._task.cancelling()
            self._task.cancel()
        else:
            # A task that the handler may not even wait for, or that of a synchronous handler.
            connection.interrupt_sender()
        return True

    def _take_back(self) -> bool:
        """Take back our own cancellation; return whether nobody else has cancelled the task."""
        if not self._is_interrupted or self._task is None:
            return False
        self._is_interrupted = False
        return self._task.uncancel() <= self._cancelling

    def _restart_handled(self) -> None:
        for source in self._sources:
            if source.is_handled:
                source.restart()


async def call(self: Any, scope: Scope, receive: Receive, send: Send) -> None:
    """Run a consumer as ``AsyncConsumer.__call__`` does, with a mailbox."""
    self.scope = scope
    layer = self.channel_layer = channels_consumer.get_channel_layer(self.channel_layer_alias)
    if layer is not None:
        self.channel_name = await layer.new_channel()
        self.channel_receive = functools.partial(layer.receive, self.channel_name)
    self.base_send = channels_consumer.async_to_sync(send) if self._sync else send
    writer = getattr(self, WRITER, None)
    mailbox = ConsumerMailbox(
        limits_of(type(self)),  # type: ignore[arg-type]
        scope.get(CONNECTION_KEY),
        writer(send) if writer is not None else None,
    )
    receivers = [receive]
    attachment = None
    if layer is not None:
        attachment = attach(layer, self.channel_name, mailbox)
        if attachment is None:
            receivers.append(self.channel_receive)
        else:
            self.channel_receive = mailbox.receive
    try:
        await mailbox.run(receivers, self.dispatch)
    except StopConsumer:
        return
    finally:
        if attachment is not None:
            await attachment.detach()


async def close_due_connections() -> None:
    """Close old connections as Channels does, where one may be due."""
    if _stock_close is not None and may_close_connections():
        await _stock_close()


@functools.cache
def limits_of(consumer: type) -> MailboxLimits:
    """Return the limits of the environment, with those that the class sets for itself."""
    limits = read_mailbox_limits(os.environ.get(environment.MAILBOX, ""))
    return MailboxLimits(
        messages=int(getattr(consumer, "tandem_mailbox", limits.messages)),
        slow_client=SlowClient(getattr(consumer, "tandem_slow_client", limits.slow_client)),
    )


def install() -> None:
    """Have each consumer of this process use a mailbox, where Channels is as it was read."""
    if AsyncConsumer.__call__ is call or _stock_close is None or not _is_known():
        return
    AsyncConsumer.__call__ = call
    for name in CLOSING:
        module = sys.modules.get(name)
        if getattr(module, "aclose_old_connections", None) is _stock_close:
            module.aclose_old_connections = close_due_connections  # type: ignore[union-attr]


def read_replaced() -> None:
    """Read what `install` compares, so that the processes forked from this one need not."""
    _are_original()
    fingerprints.unknown_among(REPLACED)


def _is_known() -> bool:
    return _are_original() and fingerprints.are_known(
        REPLACED, otherwise="Each message of a consumer takes a thread, as without django-tandem."
    )


def _are_original() -> bool:
    # What instruments Channels replaces its methods, and expects to be called.
    return all(is_original(AsyncConsumer, name) for name in ("__call__", "dispatch"))
