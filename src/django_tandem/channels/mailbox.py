"""
The queue of one consumer, into which its channel layer delivers.

The socket's own events are not in it: the server's flow control bounds them, and none is dropped.
What the layer delivers is bounded, and a policy says what happens beyond.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any

from django_tandem.channels.frame import Frame, Message
from django_tandem.channels.stepped_send import Send, SteppedSend, SuspendedSend
from django_tandem.model.connections import MailboxLimits, SlowClient

# The longest mailbox is that of the last ten seconds.
REMEMBERED_S = 10
# Many messages may be delivered before any consumer runs: a client is slow only if a message has
# waited for it for longer than this.
BURST_S = 0.25
# Most sockets are idle, and a deque has room for 64 messages from the start.
_NOTHING: deque[Any] = deque(maxlen=0)


class MailboxCounts:
    """
    The figures of all mailboxes of this process, on its event loop.

    ``dropped`` are messages, ``closed`` the WebSockets that were closed because of a full mailbox.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self.dropped = self.closed = 0
        self._clock = clock
        # The longest of each second.
        self._longest: dict[int, int] = {}

    def note_length(self, length: int) -> None:
        """Note that ``length`` messages wait in one mailbox."""
        second = int(self._clock())
        if length > self._longest.get(second, 0):
            self._longest[second] = length
            if len(self._longest) > REMEMBERED_S:
                self._forget(second)

    def _forget(self, now: int) -> None:
        since = now - REMEMBERED_S
        self._longest = {at: length for at, length in self._longest.items() if at > since}

    def details(self) -> dict[str, int]:
        """Return the fields of a worker's slot."""
        self._forget(int(self._clock()))
        longest = max(self._longest.values(), default=0)
        return {"longest": longest, "dropped": self.dropped, "closed": self.closed}


COUNTS = MailboxCounts()


class _Failure:
    """An error of the channel layer, which the consumer raises in its turn."""

    __slots__ = ("error",)

    def __init__(self, error: BaseException) -> None:
        self.error = error


class Mailbox:
    """
    The messages that wait for one consumer.

    A layer delivers in its event loop, at any moment; the consumer's task waits for messages and
    takes them. With ``writer``, the ASGI ``send`` of a consumer that sends each broadcast as it
    is, a frame is written at once while the consumer waits and nothing is before it.
    """

    __slots__ = (
        "_bound",
        "_is_closed",
        "_mark_at",
        "_messages",
        "_others",
        "_policy",
        "_suspended",
        "_until_mark",
        "_waiter",
        "_writer",
    )

    def __init__(self, limits: MailboxLimits, writer: Send | None = None) -> None:
        self._bound = limits.messages
        self._policy = limits.slow_client
        self._messages: deque[Any] = _NOTHING
        # When one of the messages was the newest, and how many are left up to and with it: the
        # oldest has waited at least as long.
        self._mark_at = 0.0
        self._until_mark = 0
        self._waiter: asyncio.Future[None] | None = None
        # Of the callers of receive() other than the consumer's own loop.
        self._others: tuple[asyncio.Future[None], ...] = ()
        self._is_closed = False
        self._writer = SteppedSend(writer) if writer is not None else None
        self._suspended: SuspendedSend | None = None

    def __bool__(self) -> bool:
        """Whether a message waits."""
        return bool(self._messages)

    # Called by the layer.

    def deliver(self, message: Message | Frame) -> None:
        """Put a message at the end; it never raises, and never waits."""
        messages = self._messages
        if messages:
            if len(messages) >= self._bound:
                self._deliver_beyond(message)
                return
            messages.append(message)
            COUNTS.note_length(len(messages))
            return
        if self._is_closed:
            return
        waiter = self._waiter
        is_idle = waiter is not None and not waiter.done()
        if is_idle and self._writer is not None and type(message) is Frame:
            self._write(self._writer, message)
            return
        self._messages = deque((message,))
        self._mark()
        self.wake()

    def fail(self, error: BaseException) -> None:
        """Have the consumer raise ``error`` once it has handled what is before it."""
        if self._is_closed:
            return
        if self._messages:
            self._messages.append(_Failure(error))
        else:
            self._messages = deque((_Failure(error),))
            self._mark()
            self.wake()

    def wake(self, _: object = None) -> None:
        """Have the consumer continue, if it waits."""
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)
        for each in self._others:
            if not each.done():
                each.set_result(None)

    def _mark(self) -> None:
        self._mark_at = monotonic()
        self._until_mark = len(self._messages)

    def _write(self, writer: SteppedSend, frame: Frame) -> None:
        try:
            self._suspended = writer(dict(frame.event))
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - raised in the consumer
            self.fail(error)
        else:
            if self._suspended is not None:
                self.wake()

    # A full mailbox.

    def _deliver_beyond(self, message: Message | Frame) -> None:
        messages = self._messages
        messages.append(message)
        if self._policy is SlowClient.CLOSE:
            if monotonic() - self._mark_at < BURST_S:
                COUNTS.note_length(len(messages))
                return
            if self.close_slow_client():
                self._is_closed = True
                self._messages = _NOTHING
                COUNTS.closed += 1
                return
        before = len(messages)
        if self._policy is SlowClient.LATEST:
            messages = self._messages = _latest(messages)
        while len(messages) > self._bound:
            messages.popleft()
        COUNTS.dropped += before - len(messages)
        COUNTS.note_length(len(messages))

    def close_slow_client(self) -> bool:
        """Begin to close the socket; return False where there is none to close."""
        return False

    # Called by the consumer.

    async def wait(self) -> None:
        """Wait until a message or a suspended write is there, or until it is woken."""
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    async def receive(self) -> Message:
        """Return the next message, for a handler that waits for it."""
        while not self:
            waiter = asyncio.get_running_loop().create_future()
            self._others = (*self._others, waiter)
            try:
                await waiter
            finally:
                self._others = tuple([each for each in self._others if each is not waiter])
        return self.take()

    def take(self) -> Message:
        """Return the oldest message; raises the layer's error where that is next."""
        taken = self._messages.popleft()
        self._until_mark -= 1
        if not self._messages:
            self._messages = _NOTHING
        elif self._until_mark <= 0:
            self._mark()
        if type(taken) is Frame:
            return dict(taken.message)
        if type(taken) is _Failure:
            raise taken.error
        found: Message = taken
        return found

    @property
    def is_writing(self) -> bool:
        """Whether a write has begun that the consumer is to finish."""
        return self._suspended is not None

    async def finish_write(self) -> None:
        """Finish the write that has begun."""
        suspended, self._suspended = self._suspended, None
        if suspended is not None:
            await suspended

    def abandon_write(self) -> None:
        """End the write that has begun, if there is one."""
        if self._suspended is not None:
            self._suspended.close()
            self._suspended = None

    def close(self) -> None:
        """Drop all that is left, and what is delivered from now on."""
        self._is_closed = True
        self._messages = _NOTHING
        self.abandon_write()


def _latest(messages: deque[Any]) -> deque[Any]:
    """Return the newest message of each type, in their order."""
    kept: dict[object, Any] = {}
    for each in reversed(messages):
        kept.setdefault(_type_of(each), each)
    return deque(reversed(kept.values()))


def _type_of(message: Any) -> object:
    if type(message) is _Failure:
        return message
    given: Mapping[str, Any] = message.message if type(message) is Frame else message
    return given.get("type")
