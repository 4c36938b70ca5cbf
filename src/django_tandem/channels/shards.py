"""
The shards of a layer: the servers among which names are distributed, and how to reach each.

Each entry of ``hosts`` is a shard, a server or the master that sentinels name. In a cluster a
shard is a part of the names that is in one slot, and so on one node at a time.
"""

import asyncio
import binascii
import contextlib
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence
from typing import Any, NoReturn, cast

from channels_redis.utils import create_pool
from redis.asyncio import RedisCluster
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AskError,
    ClusterDownError,
    ReadOnlyError,
    ResponseError,
    TryAgainError,
)
from redis.exceptions import ConnectionError as RedisConnectionError

from django_tandem.channels import redis_limits
from django_tandem.channels.command_slots import CommandSlots

# Parts of the names in a cluster: of more nodes than these, some have no name of the layer.
CLUSTER_SHARDS = 16
# Answers of a cluster that changes, to a command that was not executed.
MOVED = (AskError, ClusterDownError, TryAgainError)
MOVED_RETRY_S = 0.05
# What a replica answers to a write, and to a command that waited in it when it became one.
_OF_REPLICA = ("READONLY", "UNBLOCKED")
# A sentinel that hangs must leave time for the others within that of one command.
SENTINEL_TIMEOUT_S = 0.5
# Commands of one event loop that run at once on a server, each on a connection.
CONCURRENT_COMMANDS = 8


class UnsentError(RedisConnectionError):
    """Redis has not got the command, so that it may be sent again."""


class Shard(ABC):
    """
    One part of the names, as one event loop reaches it.

    ``tag`` is a part of each name and key; ``subscribe``, ``unsubscribe`` and ``publish`` are the
    commands, which a cluster has others for.
    """

    tag = ""
    subscribe, unsubscribe, publish = "SUBSCRIBE", "UNSUBSCRIBE", "PUBLISH"

    def __init__(self) -> None:
        # What runs commands has a slot for each, which `execute` itself does not wait for.
        self.slots = CommandSlots(CONCURRENT_COMMANDS)
        # Each with the time since which it is idle, the longest first.
        self._idle: deque[tuple[float, AbstractConnection]] = deque()

    @abstractmethod
    async def connect(self) -> AbstractConnection:
        """Return a new connection."""

    async def execute(self, *command: Any) -> Any:
        """
        Return the answer of Redis.

        Raises UnsentError when there is no connection, ConnectionError of redis when one is lost
        before the answer, and ReadOnlyError of redis from a replica, which has not executed it.
        """
        while True:
            connection = await self._write(command)
            try:
                answer = await connection.read_response()
            except MOVED:
                await self.aclose()
                await connection.disconnect(nowait=True)
                await asyncio.sleep(MOVED_RETRY_S)
            except ResponseError as error:
                if not _is_from_replica(error):
                    self._release(connection)
                    raise
                await connection.disconnect(nowait=True)
                await self._leave_replica(error)
            except BaseException as error:
                await connection.disconnect(nowait=True)
                # The connections of sentinels raise it as one that is lost.
                if isinstance(error.__context__, ReadOnlyError):
                    await self._leave_replica(error.__context__)
                raise
            else:
                self._release(connection)
                return answer

    async def flush(self, prefix: str) -> None:
        """Delete the keys that start with ``prefix``."""
        pattern = "".join(f"[{each}]" if each in "*?[\\" else each for each in prefix) + "*"
        cursor: Any = 0
        while True:
            async with self.slots.hold():
                cursor, keys = await self.execute("SCAN", cursor, "MATCH", pattern, "COUNT", 1000)
                if keys:
                    await self.execute("DEL", *keys)
            if not int(cursor):
                return

    async def aclose(self) -> None:
        """Close the connections for commands; they are made again when they are needed."""
        while self._idle:
            _, connection = self._idle.pop()
            await connection.disconnect(nowait=True)

    def _release(self, connection: AbstractConnection) -> None:
        self._idle.append((time.monotonic(), connection))

    async def _write(self, command: tuple[Any, ...]) -> AbstractConnection:
        """Return a connection that the whole command was written to."""
        await self._close_stale()
        while self._idle:
            connection: Any = self._idle.pop()[1]
            with contextlib.suppress(RedisConnectionError, OSError):
                if not await _has_ended(connection):
                    await connection.send_command(*command)
                    return cast(AbstractConnection, connection)
            await connection.disconnect(nowait=True)
        try:
            connection = await self.connect()
            await connection.send_command(*command)
        except RedisConnectionError as error:
            raise UnsentError(*error.args) from error
        return cast(AbstractConnection, connection)

    async def _close_stale(self) -> None:
        """Close the connections that a firewall may have dropped, where a command would hang."""
        idle_since = time.monotonic() - redis_limits.IDLE_S
        while self._idle and self._idle[0][0] <= idle_since:
            _, connection = self._idle.popleft()
            await connection.disconnect(nowait=True)

    async def _leave_replica(self, error: BaseException) -> NoReturn:
        """Close all connections, which the name of a master led to, and raise ReadOnlyError."""
        await self.aclose()
        raise ReadOnlyError(*error.args) from error


class HostShard(Shard):
    """A server, or the master that sentinels name."""

    def __init__(self, host: dict[str, Any]) -> None:
        super().__init__()
        # It is what asks the sentinels; the connections are not kept in it.
        self._pool = create_pool(_with_sentinel_limits(host))

    async def connect(self) -> AbstractConnection:
        """Return a new connection."""
        return await _connected(self._pool.make_connection())


class ClusterShard(Shard):
    """A part of the names in a cluster, which has one slot."""

    subscribe, unsubscribe, publish = "SSUBSCRIBE", "SUNSUBSCRIBE", "SPUBLISH"

    def __init__(self, hosts: Sequence[dict[str, Any]], index: int) -> None:
        super().__init__()
        self.tag = f"{{{index}}}:"
        self._hosts = hosts

    async def connect(self) -> AbstractConnection:
        """Return a new connection to the node that has the slot at this time."""
        async with _make_cluster(self._hosts) as cluster:
            node: Any = cluster.get_node_from_key(self.tag)
            connection = node.connection_class(**node.connection_kwargs)
        return await _connected(connection)


def _with_sentinel_limits(host: dict[str, Any]) -> dict[str, Any]:
    """Return ``host`` with a client of its sentinels that asks the next one soon."""
    if "sentinels" not in host:
        return host
    limits = {
        "socket_timeout": SENTINEL_TIMEOUT_S,
        "socket_connect_timeout": SENTINEL_TIMEOUT_S,
        "retry": Retry(NoBackoff(), 0),
    }
    return {**host, "sentinel_kwargs": limits | (host.get("sentinel_kwargs") or {})}


def _is_from_replica(error: ResponseError) -> bool:
    # Before Redis 7 an error within a script has another code, and this one in its text.
    return isinstance(error, ReadOnlyError) or any(code in str(error) for code in _OF_REPLICA)


async def _has_ended(connection: Any) -> bool:
    """Return whether Redis has closed a connection that waits for no answer."""
    # Its end can be read from it. Before redis 8 there is the other name alone.
    can_read = getattr(connection, "can_read", None) or connection.can_read_destructive
    return bool(await can_read())


async def _connected(connection: Any) -> AbstractConnection:
    await connection.connect()
    return cast(AbstractConnection, connection)


def _make_cluster(hosts: Sequence[dict[str, Any]]) -> RedisCluster:
    """Return a client of the cluster that has the nodes ``hosts``; the first gives the options."""
    given = [create_pool(host).connection_kwargs for host in hosts]
    nodes = [ClusterNode(each.get("host", "localhost"), each.get("port", 6379)) for each in given]
    options = {name: value for name, value in hosts[0].items() if name not in ("host", "port")}
    address = options.pop("address", None)
    if address is None:
        return RedisCluster(startup_nodes=nodes, **options)
    return RedisCluster.from_url(address, startup_nodes=nodes, **options)


def make_shards(hosts: Sequence[dict[str, Any]], *, is_cluster: bool) -> list[Shard]:
    """Return the shards of ``hosts``, each the arguments of a client as channels_redis has them."""
    if is_cluster:
        return [ClusterShard(hosts, index) for index in range(CLUSTER_SHARDS)]
    return [HostShard(host) for host in hosts]


def index_of(name: str, count: int) -> int:
    """Return which of ``count`` shards has the name: the same in each process."""
    return binascii.crc32(name.encode()) % count
