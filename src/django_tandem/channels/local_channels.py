"""The channels that one event loop receives from, and the groups that they are members of."""

import asyncio
import functools
import logging
from collections import deque
from collections.abc import Callable
from copy import deepcopy

from django_tandem.channels.frame import BROADCAST, Frame, Message, is_flat

logger = logging.getLogger(__name__)

# About 2 ms, where each consumer writes a broadcast to its socket.
MEMBERS_AT_ONCE = 200

Deliver = Callable[[Message | Frame], None]


class LocalChannel:
    """
    One channel: what waits to be received from it, or the receiver that it is attached to.

    While ``capacity`` messages wait that have not expired, further ones are dropped.
    """

    __slots__ = (
        "_capacity",
        "_messages",
        "_waiters",
        "deliver",
        "groups",
        "is_orphan",
        "receives",
    )

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        # Made when they are needed: an attached channel has neither.
        self._messages: deque[tuple[float, Message]] | None = None
        self._waiters: deque[asyncio.Future[None]] | None = None
        self.deliver: Deliver | None = None
        self.groups: set[bytes] = set()
        self.receives = 0
        # Whether the task that made it has ended.
        self.is_orphan = False

    @property
    def was_received(self) -> bool:
        """Return whether a receiver was there at some time."""
        return self.receives > 0

    @property
    def is_unused(self) -> bool:
        """Return whether its task has ended, and no receiver waits or is attached."""
        return self.is_orphan and not self._waiters and self.deliver is None

    def attach(self, deliver: Deliver) -> None:
        """Deliver what waits, and from now on what is put."""
        self.receives += 1
        self._drop_expired()
        while self._messages:
            deliver(self._messages.popleft()[1])
        self.deliver = deliver

    def put(
        self, copy: Callable[[], Message], expires_at: float, frame: Frame | None = None
    ) -> None:
        """Deliver the frame, or else a copy of the message; or keep one until it is received."""
        if self.deliver is not None:
            try:
                self.deliver(frame or copy())
            except Exception:
                # The next member of the group gets it all the same.
                logger.exception("A receiver of the channel layer failed.")
            return
        if self._messages is None:
            self._messages = deque()
        if len(self._messages) >= self._capacity:
            self._drop_expired()
        if len(self._messages) < self._capacity:
            self._messages.append((expires_at, copy()))
            self._wake_one()

    def take(self) -> Message | None:
        """Return the oldest message, None for none."""
        self.receives += 1
        if not self._messages:
            return None
        self._drop_expired()
        return self._messages.popleft()[1] if self._messages else None

    async def wait(self) -> None:
        """Wait until a message has arrived, which another receiver may take first."""
        woken = asyncio.get_running_loop().create_future()
        if self._waiters is None:
            self._waiters = deque()
        self._waiters.append(woken)
        try:
            await woken
        except asyncio.CancelledError:
            if not woken.cancelled():
                # The message that it was woken for is the next receiver's.
                self._wake_one()
            elif woken in self._waiters:
                self._waiters.remove(woken)
            raise

    def _drop_expired(self) -> None:
        now = asyncio.get_running_loop().time()
        while self._messages and self._messages[0][0] <= now:
            self._messages.popleft()

    def _wake_one(self) -> None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return


class LocalChannels:
    """All channels of one event loop by name, and their groups by the name that Redis has."""

    def __init__(self, expiry_s: float, capacity_of: Callable[[str], int]) -> None:
        self._expiry_s = expiry_s
        self._capacity_of = capacity_of
        self._channels: dict[str, LocalChannel] = {}
        self._groups: dict[bytes, dict[str, LocalChannel]] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._channels

    def open(self, name: str) -> LocalChannel:
        """Return the channel of that name, which is new if there was none."""
        channel = self._channels.get(name)
        if channel is None:
            channel = self._channels[name] = LocalChannel(self._capacity_of(name))
        return channel

    def close(self, name: str) -> list[bytes]:
        """Forget the channel, and return the groups that have no member any more."""
        channel = self._channels.pop(name, None)
        if channel is None:
            return []
        groups, channel.groups = channel.groups, set()
        return [group for group in groups if self._remove(group, name)]

    def join(self, group: bytes, name: str) -> bool:
        """Make the channel a member, and return whether it was none before."""
        channel = self.open(name)
        if group in channel.groups:
            return False
        channel.groups.add(group)
        self._groups.setdefault(group, {})[name] = channel
        return True

    def leave(self, group: bytes, name: str) -> bool:
        """End the membership if there is one, and return whether the group lost its last member."""
        channel = self._channels.get(name)
        if channel is None or group not in channel.groups:
            return False
        channel.groups.discard(group)
        return self._remove(group, name)

    def has_members(self, group: bytes) -> bool:
        """Return whether a channel of this event loop is a member."""
        return group in self._groups

    def put(self, name: str, message: Message) -> None:
        """Deliver the message to one channel; it is dropped if there is none of that name."""
        channel = self._channels.get(name)
        if channel is not None:
            channel.put(message.copy, self._expires_at())

    async def put_to_group(self, group: bytes, message: Message) -> None:
        """
        Deliver the message to each member; those that are attached share a broadcast's frame.

        Other tasks run after each MEMBERS_AT_ONCE of them.
        """
        expires_at = self._expires_at()
        frame = Frame(message) if message.get("type") == BROADCAST else None
        # A consumer may change what it gets.
        copy = message.copy if is_flat(message) else functools.partial(deepcopy, message)
        # A receiver may join or leave while it gets its message.
        members = list(self._groups.get(group, {}).values())
        for first in range(0, len(members), MEMBERS_AT_ONCE):
            if first:
                await asyncio.sleep(0)
            for channel in members[first : first + MEMBERS_AT_ONCE]:
                if group in channel.groups:
                    channel.put(copy, expires_at, frame)

    def clear(self) -> None:
        """Forget all channels and groups."""
        self._channels.clear()
        self._groups.clear()

    def _remove(self, group: bytes, name: str) -> bool:
        members = self._groups[group]
        del members[name]
        if not members:
            del self._groups[group]
        return not members

    def _expires_at(self) -> float:
        return asyncio.get_running_loop().time() + self._expiry_s
