"""What one event loop has of a shard: its subscriptions, its commands, and its lists of work."""

import asyncio
import contextlib
import time
import uuid
from contextlib import AbstractAsyncContextManager
from typing import Any

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoPermissionError, ReadOnlyError, RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from django_tandem.channels.command_slots import CommandSlots
from django_tandem.channels.redis_limits import FIRST_RETRY_S, pause, time_limit
from django_tandem.channels.rights import naming_rights
from django_tandem.channels.shards import CONCURRENT_COMMANDS, Shard, UnsentError
from django_tandem.channels.subscriptions import OnMessage, Subscriptions
from django_tandem.channels.work_queue import WorkQueues

# Each begins with a write, of no effect or of little: a replica refuses it. PUBLISH it accepts, and
# passes the message to its own subscribers alone.
_PUBLISH = """
redis.call('EXPIRE', KEYS[1], 1)
return redis.call(ARGV[1], KEYS[1], ARGV[2])
"""
# Members that are channels of workers have no process: they are stored, and the sender serves them.
_PUBLISH_TO_GROUP = """
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', '(' .. ARGV[3])
redis.call(ARGV[1], KEYS[1], ARGV[2])
return redis.call('ZRANGE', KEYS[2], 0, -1)
"""


class Connection:
    """A shard, and what this event loop sends to it, has subscribed to and receives from there."""

    def __init__(self, shard: Shard, prefix: str, expiry_s: float, on_message: OnMessage) -> None:
        self.shard = shard
        self._prefix = prefix
        self._on_message = on_message
        # Of their own: what the other process answers with needs slots for commands, and it may
        # wait for answers of this one.
        self._requests = CommandSlots(CONCURRENT_COMMANDS)
        # One command looks for the master, and the others wait for what it finds.
        self._search = asyncio.Lock()
        self.subscriptions = Subscriptions(shard, self._take, self._look_again, self._test_later)
        # What this event loop publishes to itself, to test the subscriptions.
        self._test_name = self.name("test", uuid.uuid4().hex)
        self._has_test_arrived = asyncio.Event()
        self._test: asyncio.Task[None] | None = None
        self._may_test = True
        self.queues = WorkQueues(self.execute, shard.publish, self.subscriptions, expiry_s)

    async def execute(self, *command: Any) -> Any:
        """
        Return the answer of Redis.

        While the subscriptions are lost, or Redis can't get the command, or a replica has it, it
        waits for at most TIMEOUT_S: the members of this process get their own messages.
        """
        with naming_rights(self._prefix):
            return await self._execute(self.shard.slots.hold(), command)

    async def subscribe(self, name: bytes) -> None:
        """Subscribe to the name, and return once Redis has confirmed it."""
        with naming_rights(self._prefix):
            await self.subscriptions.add(name)

    async def receive(self, key: bytes) -> bytes:
        """Return the first message of a list of work, once there is one."""
        with naming_rights(self._prefix):
            return await self.queues.receive(key)

    async def publish(self, name: bytes, data: bytes) -> int:
        """Publish to a name, and return how many processes have subscribed to it."""
        script = ("EVAL", _PUBLISH, 1, name, self.shard.publish, data)
        receivers: int = await self.execute(*script)
        return receivers

    async def publish_to_group(self, group: str, data: bytes, since: float) -> list[bytes]:
        """Publish to a group, and return the channels of workers that joined it after ``since``."""
        names = (self.name("group", group), self.name("members", group))
        script = ("EVAL", _PUBLISH_TO_GROUP, 2, *names, self.shard.publish, data, since)
        channels: list[bytes] = await self.execute(*script)
        return channels

    async def request(self, name: bytes, request: bytes, answer: bytes) -> None:
        """Publish to the name of a process, and wait until it has pushed to ``answer``."""
        blocking = ("BLPOP", answer, 0)
        with naming_rights(self._prefix):
            async with self._requests.hold():
                # A process that has ended has no members.
                if await self.publish(name, request):
                    await self._execute(time_limit(RedisTimeoutError), blocking)

    def name(self, kind: str, key: str) -> bytes:
        """Return the name in Redis of something that this shard has."""
        return f"{self._prefix}:{self.shard.tag}{kind}:{key}".encode()

    async def aclose(self) -> None:
        """Close all connections; they are made again when they are needed."""
        if self._test is not None:
            self._test.cancel()
            await asyncio.gather(self._test, return_exceptions=True)
        await self.subscriptions.aclose()
        await self.shard.aclose()

    async def _execute(
        self, limit: AbstractAsyncContextManager[None], command: tuple[Any, ...]
    ) -> Any:
        refusal: ReadOnlyError | None = None
        try:
            async with limit:
                while True:
                    try:
                        return await self._execute_once(command)
                    except ReadOnlyError as error:
                        refusal = error
                        await self._find_master()
        except RedisTimeoutError as error:
            raise refusal or error from None

    async def _execute_once(self, command: tuple[Any, ...]) -> Any:
        while True:
            if self.subscriptions.is_reconnecting:
                await self.subscriptions.wait_until_current()
            try:
                return await self.shard.execute(*command)
            except UnsentError:
                if not self.subscriptions.is_reconnecting:
                    raise

    async def _find_master(self) -> None:
        """Wait until the name of the server leads to a master, and have the subscriptions there."""
        refused_at, delay_s = time.monotonic(), FIRST_RETRY_S
        async with self._search:
            while not await self._is_writable():
                delay_s = await pause(delay_s)
        why = "The server has become a replica."
        self.subscriptions.replace_connection(why, refused_at)

    async def _is_writable(self) -> bool:
        try:
            await self.shard.execute("EXPIRE", self.name("group", ""), 1)
        except (ReadOnlyError, RedisConnectionError):
            return False
        except ResponseError:
            # A master that refuses writes for another reason.
            return True
        return True

    def _test_later(self) -> None:
        if self._may_test and (self._test is None or self._test.done()):
            self._test = asyncio.ensure_future(self._test_subscriptions())

    async def _test_subscriptions(self) -> None:
        """
        Replace the connection of the subscriptions if nothing that is published arrives on it.

        Its server may have become a replica, which answers as before. It passes on what its master
        publishes only while it is connected to it.
        """
        # Without the right to publish, or without Redis, nothing is known.
        with contextlib.suppress(RedisError):
            try:
                await self.subscriptions.add(self._test_name)
            except NoPermissionError:
                # Redis has ended the connection for it, and would do so at each test.
                self._may_test = False
                return
            self._has_test_arrived.clear()
            began_at = time.monotonic()
            await self.publish(self._test_name, b"")
            try:
                async with time_limit(RedisTimeoutError):
                    await self._has_test_arrived.wait()
            except RedisTimeoutError:
                why = "The server does not pass on what is published."
                self.subscriptions.replace_connection(why, began_at)

    async def _take(self, name: bytes, data: bytes) -> None:
        if name == self._test_name:
            self._has_test_arrived.set()
        elif not self.queues.wake(name):
            await self._on_message(name, data)

    def _look_again(self) -> None:
        self.queues.wake_all()
