"""
The subscriptions of one event loop at one shard, on a connection that is replaced when it fails.

redis-py's PubSub reconnects within the call that fails, be it one that reads or one that writes,
and then knows nothing of sharded subscriptions. So this uses its connections: one task reads, one
writes, and the failure of either ends both.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoPermissionError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from django_tandem.channels import redis_limits
from django_tandem.channels.redis_limits import FIRST_RETRY_S, pause, time_limit
from django_tandem.channels.shards import MOVED, Shard

logger = logging.getLogger(__name__)

# Names in one command.
BATCH = 500
_ANSWERS = {
    **{verb: verb.lower().encode() for verb in ("SUBSCRIBE", "UNSUBSCRIBE")},
    **{verb: verb.lower().encode() for verb in ("SSUBSCRIBE", "SUNSUBSCRIBE")},
    "PING": b"pong",
}


OnMessage = Callable[[bytes, bytes], Awaitable[None]]


class Command(NamedTuple):
    """One name of a command to Redis, and the future that its answer completes."""

    verb: str
    name: bytes = b""
    confirmed: asyncio.Future[None] | None = None


class Subscriptions:
    """
    Keeps one connection subscribed to names, each once, and passes on what is published to them.

    ``on_message`` gets the name and the data, and is awaited before the next message is read.
    ``on_reconnect`` is called when all names are subscribed to again: messages of the time between
    are lost. ``on_idle`` is called when there was no message for IDLE_S.
    """

    def __init__(
        self,
        shard: Shard,
        on_message: OnMessage,
        on_reconnect: Callable[[], None],
        on_idle: Callable[[], None],
    ) -> None:
        self._shard = shard
        self._on_message = on_message
        self._on_reconnect = on_reconnect
        self._on_idle = on_idle
        # Each name that is to be subscribed to, with a future that is done once it is.
        self._names: dict[bytes, asyncio.Future[None]] = {}
        # What is to be written, and what was written and is not answered yet, both in order.
        self._outbox: deque[Command] = deque()
        self._unanswered: deque[Command] = deque()
        self._has_outbox = asyncio.Event()
        self._is_open = False
        self._opened_at = 0.0
        # Fails when the connection is to be replaced.
        self._replaced: asyncio.Future[None] | None = None
        self._is_current = asyncio.Event()
        # When it stopped to be current; None before it ever was.
        self._lost_at: float | None = None
        self._was_subscribed = False
        # Why the last connection failed, if an ACL denied a name that it was subscribed to before.
        self._denial: Exception | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def is_reconnecting(self) -> bool:
        """Return whether the connection was lost, and is not restored yet."""
        return self._was_subscribed and not self._is_current.is_set()

    async def wait_until_current(self) -> None:
        """
        Wait until all names are subscribed to.

        Raises NoPermissionError of redis while an ACL denies one of them.
        """
        if self._denial is not None:
            raise NoPermissionError(*self._denial.args) from self._denial
        await self._is_current.wait()

    async def add(self, name: bytes) -> None:
        """
        Subscribe to the name, and return once Redis has confirmed it.

        Raises the error of the first connection, and TimeoutError of redis when a later one takes
        longer than TIMEOUT_S: then the name is still subscribed to as soon as it is possible.
        """
        confirmed = self._names.get(name)
        if confirmed is None:
            confirmed = self._names[name] = asyncio.get_running_loop().create_future()
            self._write(Command(self._shard.subscribe, name, confirmed))
            if self._task is None or self._task.done():
                self._task = asyncio.ensure_future(self._run())
        if confirmed.done():
            confirmed.result()
            return
        async with time_limit(RedisTimeoutError):
            # Others wait for it too.
            await asyncio.shield(confirmed)

    def discard(self, name: bytes) -> None:
        """Unsubscribe from the name, if it is subscribed to."""
        confirmed = self._names.pop(name, None)
        if confirmed is not None:
            _complete(confirmed)
            self._write(Command(self._shard.unsubscribe, name))

    def replace_connection(self, why: str, seen_at: float) -> None:
        """Reconnect, unless the connection was opened after ``seen_at``, of ``time.monotonic``."""
        replaced = self._replaced
        if replaced is not None and not replaced.done() and self._opened_at < seen_at:
            # A pong of this connection is of no use any more.
            self._is_open = False
            self._is_current.clear()
            replaced.set_exception(RedisConnectionError(why))

    async def aclose(self) -> None:
        """Close the connection, and forget the names."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        for confirmed in self._names.values():
            _complete(confirmed)
        self._names.clear()
        self._outbox.clear()
        self._is_current.clear()
        self._was_subscribed, self._lost_at, self._denial = False, None, None

    def _write(self, command: Command) -> None:
        # A new connection is subscribed to the names as they are then.
        if self._is_open:
            self._outbox.append(command)
            self._has_outbox.set()

    async def _run(self) -> None:
        delay_s = FIRST_RETRY_S
        while True:
            try:
                await self._use_connection()
            except Exception as error:  # noqa: BLE001 - without a connection its members are deaf
                if not self._was_subscribed:
                    # A server that never answered is misconfigured: the error must reach people.
                    self._fail_unconfirmed(error)
                    return
                self._note_denial(error)
                self._is_current.clear()
                if self._lost_at is None:
                    self._lost_at, delay_s = time.monotonic(), FIRST_RETRY_S
                    logger.warning("Redis is unavailable, reconnecting: %s", error)
            delay_s = await pause(delay_s)

    async def _use_connection(self) -> None:
        """Connect, subscribe to all names, and read until the connection fails."""
        self._opened_at = time.monotonic()
        async with time_limit(RedisTimeoutError):
            connection = await self._shard.connect()
        self._unanswered.clear()
        self._outbox.clear()
        self._is_open = True
        for name, confirmed in self._names.items():
            self._write(Command(self._shard.subscribe, name, confirmed))
        # Its answer follows the others.
        self._write(Command("PING"))
        replaced = self._replaced = asyncio.get_running_loop().create_future()
        tasks = [
            asyncio.ensure_future(self._read_from(connection)),
            asyncio.ensure_future(self._write_to(connection)),
            replaced,
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            self._is_open = False
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await connection.disconnect(nowait=True)

    async def _write_to(self, connection: AbstractConnection) -> None:
        # With a socket_timeout, redis-py may swallow a cancellation before Python 3.12.
        while self._is_open:
            await self._has_outbox.wait()
            self._has_outbox.clear()
            while self._is_open and self._outbox:
                batch = self._take_batch()
                self._unanswered.extend(batch)
                names = [command.name for command in batch if command.name]
                # redis-py would read the answer to its test here.
                await connection.send_command(batch[0].verb, *names, check_health=False)

    def _take_batch(self) -> list[Command]:
        """Take commands of one kind from the outbox, which Redis gets as one."""
        batch = [self._outbox.popleft()]
        while self._outbox and self._outbox[0].verb == batch[0].verb and len(batch) < BATCH:
            batch.append(self._outbox.popleft())
        return batch

    async def _read_from(self, connection: AbstractConnection) -> None:
        while True:
            is_overdue = bool(self._unanswered)
            wait_s = redis_limits.TIMEOUT_S if is_overdue else redis_limits.IDLE_S
            response = await connection.read_response(timeout=wait_s, push_request=True)
            if response is not None:
                await self._take(response)
                # redis-py does not wait for what it has read already, and no other task would run.
                await asyncio.sleep(0)
            elif is_overdue:
                raise RedisTimeoutError(f"Redis did not answer within {wait_s:g} s.")
            elif not self._unanswered:
                # Half of a connection that is lost looks like one without messages.
                self._write(Command("PING"))
                self._on_idle()

    async def _take(self, response: Any) -> None:
        # PING has an answer of another form where there is no subscription.
        kind, *rest = response if isinstance(response, list) else (b"pong",)
        if kind in (b"message", b"smessage"):
            await self._on_message(*rest)
            return
        if kind not in _ANSWERS.values():
            # Redis may push more to a client by RESP3.
            return
        command = self._unanswered.popleft() if self._unanswered else None
        if command is None or kind != _ANSWERS[command.verb]:
            # Redis ends the subscriptions to a slot that it gives to another node.
            raise RedisConnectionError("Redis has ended a subscription.")
        if command.confirmed is not None:
            _complete(command.confirmed)
            # From now on a member relies on it.
            self._was_subscribed = True
        if kind == b"pong" and self._is_open and not self._is_current.is_set():
            self._become_current()

    def _become_current(self) -> None:
        self._is_current.set()
        self._was_subscribed, self._denial = True, None
        if self._lost_at is not None:
            logger.warning(
                "Redis is available again after %.1f s.", time.monotonic() - self._lost_at
            )
            self._lost_at = None
            self._on_reconnect()

    def _note_denial(self, error: Exception) -> None:
        """Have those who wait get an error of Redis itself, rather than a timeout."""
        are_confirmed = all(confirmed.done() for confirmed in self._names.values())
        # The denial of a new name is the error of its member alone.
        is_denial = isinstance(error, NoPermissionError) and are_confirmed
        self._denial = error if is_denial else None
        if isinstance(error, ResponseError) and not isinstance(error, MOVED):
            self._fail_unconfirmed(error)

    def _fail_unconfirmed(self, error: Exception) -> None:
        for name, confirmed in list(self._names.items()):
            if not confirmed.done():
                del self._names[name]
                confirmed.set_exception(error)
                # Nobody may wait any more.
                confirmed.exception()


def _complete(confirmed: asyncio.Future[None]) -> None:
    if not confirmed.done():
        confirmed.set_result(None)
