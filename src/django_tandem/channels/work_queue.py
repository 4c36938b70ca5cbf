"""
The messages of channels that any process may receive from: each goes to one of its receivers.

They wait in a list in Redis, oldest first, each behind the time at which it expires. A receiver
takes the first, and subscribes to the list's name, by which each sender publishes that there is
one more. So no command waits in Redis, and a receiver that is cancelled puts back what it took.
Where its event loop ends at once, as by ``asyncio.run``, a message that it is taking is lost.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from channels.exceptions import ChannelFull
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ReadOnlyError
from redis.exceptions import TimeoutError as RedisTimeoutError

from django_tandem.channels.subscriptions import Subscriptions

# Milliseconds of the time at which a message expires.
_DIGITS = 13
# How soon a receiver tries again when Redis is unavailable for commands alone.
_RETRY_S = 0.1

_DROP_EXPIRED = f"""
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
while true do
    local first = redis.call('LINDEX', KEYS[1], 0)
    if not first or tonumber(string.sub(first, 1, {_DIGITS})) > now then break end
    redis.call('LPOP', KEYS[1])
end
"""
# The message, the capacity, the expiry in ms, and the command that publishes.
_SEND = f"""{_DROP_EXPIRED}
if redis.call('LLEN', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
redis.call('RPUSH', KEYS[1], string.format('%0{_DIGITS}.0f', now + ARGV[3]) .. ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call(ARGV[4], KEYS[1], '')
return 1
"""
_TAKE = f"""{_DROP_EXPIRED}
return redis.call('LPOP', KEYS[1])
"""
# The message with its time, the expiry in ms, and the command that publishes.
_RETURN = """
redis.call('LPUSH', KEYS[1], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
redis.call(ARGV[3], KEYS[1], '')
"""


class WorkQueues:
    """The lists of one shard, as one event loop sends to them and receives from them."""

    def __init__(
        self,
        execute: Callable[..., Coroutine[Any, Any, Any]],
        publish: str,
        subscriptions: Subscriptions,
        expiry_s: float,
    ) -> None:
        self._execute = execute
        self._publish = publish
        self._subscriptions = subscriptions
        self._expiry_ms = max(int(expiry_s * 1000), 1)
        # The receivers that wait, by the list's name.
        self._receivers: dict[bytes, list[asyncio.Event]] = {}

    async def send(self, key: bytes, data: bytes, capacity: int) -> None:
        """Append to the list; raises ChannelFull if it has ``capacity`` messages."""
        arguments = (data, capacity, self._expiry_ms, self._publish)
        if not await self._execute("EVAL", _SEND, 1, key, *arguments):
            raise ChannelFull

    async def receive(self, key: bytes) -> bytes:
        """Return the first message of the list, once there is one and Redis is available."""
        has_message = asyncio.Event()
        self._receivers.setdefault(key, []).append(has_message)
        try:
            await self._subscriptions.add(key)
            while True:
                has_message.clear()
                data = await self._take(key)
                if data is not None:
                    return data[_DIGITS:]
                await has_message.wait()
        finally:
            self._receivers[key].remove(has_message)
            if not self._receivers[key]:
                del self._receivers[key]

    def wake(self, key: bytes) -> bool:
        """Have the receivers of the list look again, and return whether there are any."""
        receivers = self._receivers.get(key, ())
        for has_message in receivers:
            has_message.set()
        return bool(receivers)

    def wake_all(self) -> None:
        """Have all receivers look again, which may have missed a message."""
        for key in self._receivers:
            self.wake(key)

    async def _take(self, key: bytes) -> bytes | None:
        while True:
            taking = asyncio.ensure_future(self._execute("EVAL", _TAKE, 1, key))
            try:
                data: bytes | None = await asyncio.shield(taking)
            except asyncio.CancelledError:
                await self._give_back(key, taking)
                raise
            except (RedisConnectionError, RedisTimeoutError, ReadOnlyError):
                # The subscription's connection is lost too, or will be found to be.
                await self._subscriptions.wait_until_current()
                await asyncio.sleep(_RETRY_S)
            else:
                return data

    async def _give_back(self, key: bytes, taking: asyncio.Future[Any]) -> None:
        """Put what a cancelled receiver took at the head of the list again, for another one."""
        await asyncio.wait([taking])
        data = None if taking.cancelled() or taking.exception() else taking.result()
        if data is not None:
            arguments = (data, self._expiry_ms, self._publish)
            await self._execute("EVAL", _RETURN, 1, key, *arguments)
