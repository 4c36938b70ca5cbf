"""
The shards of a layer: the servers among which names are distributed, and how to reach each.

Each entry of ``hosts`` is a shard, a server or the master that sentinels name. In a cluster a
shard is a part of the names that is in one slot, and so on one node at a time.
"""

import asyncio
import binascii
import contextlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, cast

from channels_redis.utils import create_pool
from redis.asyncio import RedisCluster
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import (
    AskError,
    ClusterDownError,
    ReadOnlyError,
    ResponseError,
    TryAgainError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from django_tandem.channels.redis_limits import time_limit

# Parts of the names in a cluster: of more nodes than these, some have no name of the layer.
CLUSTER_SHARDS = 16
# Answers of a cluster that changes, to a command that was not executed.
MOVED = (AskError, ClusterDownError, TryAgainError)
MOVED_RETRY_S = 0.05
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
        self._slots = asyncio.Semaphore(CONCURRENT_COMMANDS)
        self._idle: list[AbstractConnection] = []

    @abstractmethod
    async def connect(self) -> AbstractConnection:
        """Return a new connection."""

    async def execute(self, *command: Any) -> Any:
        """
        Return the answer of Redis.

        Raises UnsentError when there is no connection, ConnectionError of redis when one is lost
        before the answer, and TimeoutError of redis after TIMEOUT_S.
        """
        async with time_limit(RedisTimeoutError), self._slots:
            while True:
                connection = await self._write(command)
                try:
                    answer = await connection.read_response()
                except MOVED:
                    await self.aclose()
                    await connection.disconnect(nowait=True)
                    await asyncio.sleep(MOVED_RETRY_S)
                except ReadOnlyError:
                    # A replica by now: the master may be reached by the same name.
                    await self.aclose()
                    await connection.disconnect(nowait=True)
                    raise
                except ResponseError:
                    self._idle.append(connection)
                    raise
                except BaseException:
                    await connection.disconnect(nowait=True)
                    raise
                else:
                    self._idle.append(connection)
                    return answer

    async def flush(self, prefix: str) -> None:
        """Delete the keys that start with ``prefix``."""
        pattern = "".join(f"[{each}]" if each in "*?[\\" else each for each in prefix) + "*"
        cursor: Any = 0
        while True:
            cursor, keys = await self.execute("SCAN", cursor, "MATCH", pattern, "COUNT", 1000)
            if keys:
                await self.execute("DEL", *keys)
            if not int(cursor):
                return

    async def aclose(self) -> None:
        """Close the connections for commands; they are made again when they are needed."""
        while self._idle:
            await self._idle.pop().disconnect(nowait=True)

    async def _write(self, command: tuple[Any, ...]) -> AbstractConnection:
        """Return a connection that the whole command was written to."""
        while self._idle:
            connection: Any = self._idle.pop()
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


class HostShard(Shard):
    """A server, or the master that sentinels name."""

    def __init__(self, host: dict[str, Any]) -> None:
        super().__init__()
        # It is what asks the sentinels; the connections are not kept in it.
        self._pool = create_pool(host)

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
