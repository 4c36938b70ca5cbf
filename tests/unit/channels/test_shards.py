"""The layer reaches a server by TLS, the master of sentinels, and the nodes of a cluster."""

import asyncio
import contextlib
import socket
import ssl
from collections import Counter
from functools import partial

import pytest
from nginx import certificates
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ReadOnlyError

from django_tandem.channels import redis_limits, shards
from django_tandem.channels.redis_layer import RedisLayer
from django_tandem.channels.shards import CLUSTER_SHARDS, HostShard, index_of
from harness.client import wait_for
from harness.event_loop import run
from harness.stack import free_port
from harness.valkey import valkey as run_valkey

pytestmark = pytest.mark.processes


async def exchange(layer, other):
    """Return what arrives by a group, a channel and a worker's channel, from another process."""
    channel = await layer.new_channel()
    await layer.group_add("all", channel)
    await other.group_send("all", {"type": "group"})
    first = await layer.receive(channel)
    await other.send(channel, {"type": "channel"})
    second = await layer.receive(channel)
    await other.send("work", {"type": "work"})
    third = await layer.receive("work")
    await layer.flush()
    await other.close()
    return [each["type"] for each in (first, second, third)]


EVERY = ["group", "channel", "work"]


def test_a_server_is_reached_by_tls(tmp_path, valkey) -> None:
    """With the certificate verified."""
    made = certificates.make(tmp_path, "localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made["CERTIFICATE"], made["KEY"])

    async def test():
        server = await asyncio.start_server(
            partial(forward, valkey.path), "localhost", 0, ssl=context
        )
        # Since 3.12, `async with` waits for all connections, and a sender's thread keeps one.
        with contextlib.closing(server):
            port = server.sockets[0].getsockname()[1]
            address = f"rediss://localhost:{port}?ssl_ca_certs={made['CERTIFICATE']}"
            config = {"hosts": [address], "prefix": "tls"}
            return await exchange(RedisLayer(**config), RedisLayer(**config))

    assert run(test()) == EVERY


async def forward(path, reader, writer):
    """Pass what a client of the TLS server sends on to the Valkey, whose wheel has no TLS."""
    from_valkey, to_valkey = await asyncio.open_unix_connection(path)
    await asyncio.gather(copy(reader, to_valkey), copy(from_valkey, writer))


async def copy(reader, writer):
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


def test_a_connection_that_redis_has_closed_is_replaced_by_the_next_command(tmp_path) -> None:
    """No sender gets an error for a restart that is over."""
    port = free_port()

    async def test(valkey):
        shard = HostShard({"host": "127.0.0.1", "port": port})
        first = await shard.execute("PING")
        valkey.kill()
        valkey.start()
        # The event loop sees the end of the connection, as it would between two messages.
        for _ in range(3):
            await asyncio.sleep(0)
        second = await shard.execute("PING")
        await shard.aclose()
        return first, second

    with run_valkey(tmp_path, "--port", str(port)) as valkey:
        assert run(test(valkey)) == (b"PONG", b"PONG")


def test_a_connection_that_was_idle_for_long_is_not_written_to(valkey, monkeypatch) -> None:
    """A firewall may have dropped it, and the command would hang; one that is in use stays."""

    async def test():
        shard = HostShard({"address": valkey.url})
        ids = [await shard.execute("CLIENT", "ID") for _ in "12"]
        monkeypatch.setattr(redis_limits, "IDLE_S", 0)
        ids.append(await shard.execute("CLIENT", "ID"))
        await shard.aclose()
        return ids

    first, second, third = run(test())
    assert first == second != third


def test_a_master_that_has_become_a_replica_is_connected_to_again(own_valkey) -> None:
    """Its name may be that of another server by then."""

    async def test():
        shard = HostShard({"address": own_valkey.url})
        before = await shard.execute("CLIENT", "ID")
        await shard.execute("REPLICAOF", "127.0.0.1", free_port())
        with pytest.raises(ReadOnlyError):
            await shard.execute("SET", "key", "value")
        after = await shard.execute("CLIENT", "ID")
        await shard.aclose()
        return before, after

    before, after = run(test())
    assert before != after


@pytest.mark.parametrize("protocol", [2, 3])
def test_both_protocols_of_redis_are_spoken(valkey, protocol) -> None:
    """By the third, subscriptions are answered and published to by pushes."""
    config = {"hosts": [f"{valkey.url}?protocol={protocol}"], "prefix": f"protocol-{protocol}"}

    assert run(exchange(RedisLayer(**config), RedisLayer(**config))) == EVERY


@pytest.fixture
def sentinel(tmp_path):
    """The address of a sentinel of the master ``main``, and a client of that."""
    (tmp_path / "master").mkdir()
    (tmp_path / "sentinel").mkdir()
    port, sentinel_port = free_port(), free_port()
    configuration = tmp_path / "sentinel.conf"
    configuration.write_text(f"sentinel monitor main 127.0.0.1 {port} 1\n")
    of_sentinel = ("--port", str(sentinel_port))
    with (
        run_valkey(tmp_path / "master", "--port", str(port)),
        run_valkey(tmp_path / "sentinel", *of_sentinel, configuration=configuration),
        Redis(port=port) as master,
    ):
        yield ("127.0.0.1", sentinel_port), master


def test_the_master_of_sentinels_is_reached(sentinel) -> None:
    """As channels_redis spells it."""
    config = {"hosts": [{"master_name": "main", "sentinels": [sentinel[0]]}]}

    assert run(exchange(RedisLayer(**config), RedisLayer(**config))) == EVERY


def test_a_sentinel_that_hangs_leaves_time_for_the_next(sentinel) -> None:
    """It accepts connections, and answers nothing."""
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        sentinels = [hanging.getsockname(), sentinel[0]]
        config = {"hosts": [{"master_name": "main", "sentinels": sentinels}]}
        assert run(exchange(RedisLayer(**config), RedisLayer(**config))) == EVERY


def test_a_replica_that_a_sentinel_names_refuses_a_write(sentinel) -> None:
    """The connections of sentinels raise it as one that is lost, which is not sent again."""
    address, master = sentinel

    async def test():
        shard = HostShard({"master_name": "main", "sentinels": [address]})
        await shard.execute("SET", "key", "value")
        master.execute_command("REPLICAOF", "127.0.0.1", free_port())
        with pytest.raises(ReadOnlyError):
            await shard.execute("SET", "key", "value")
        await shard.aclose()

    run(test())


def attempts_of(retry):
    """Return how often redis-py does what fails, by this rule."""
    failures = []

    async def fail():
        raise RedisConnectionError

    async def note(error):
        failures.append(error)

    with contextlib.suppress(RedisConnectionError):
        run(retry.call_with_retry(fail, note))
    return len(failures)


def test_the_limits_of_sentinels_are_those_of_the_setting(monkeypatch) -> None:
    """Ours are for what it leaves open."""
    seen = []
    monkeypatch.setattr(shards, "create_pool", seen.append)
    host = {"master_name": "main", "sentinels": [("10.0.0.5", 26379)]}
    HostShard(host)
    HostShard({**host, "sentinel_kwargs": {"socket_timeout": 2, "password": "secret"}})
    HostShard({"host": "10.0.0.5"})

    ours, given, alone = seen
    limits = ours["sentinel_kwargs"]
    assert (limits["socket_timeout"], limits["socket_connect_timeout"]) == (0.5, 0.5)
    assert attempts_of(limits["retry"]) == 1
    assert given["sentinel_kwargs"] == {
        **limits,
        "retry": given["sentinel_kwargs"]["retry"],
        "socket_timeout": 2,
        "password": "secret",
    }
    assert alone == {"host": "10.0.0.5"}


@pytest.fixture
def cluster(tmp_path):
    """A cluster of two nodes, each with half of the slots: a client of each."""
    ports, buses = [free_port(), free_port()], [free_port(), free_port()]
    with contextlib.ExitStack() as stack:
        clients = []
        for port, bus in zip(ports, buses, strict=True):
            directory = tmp_path / str(port)
            directory.mkdir()
            of_cluster = ("--cluster-enabled", "yes", "--cluster-port", str(bus))
            stack.enter_context(run_valkey(directory, "--port", str(port), *of_cluster))
            clients.append(stack.enter_context(Redis(port=port)))
        for client, half in zip(clients, ((0, 8191), (8192, 16383)), strict=True):
            client.execute_command("CLUSTER", "ADDSLOTSRANGE", *half)
        clients[0].execute_command("CLUSTER", "MEET", "127.0.0.1", ports[1], buses[1])
        for expected in (b"cluster_known_nodes:2", b"cluster_state:ok"):
            wait_for(lambda: all(expected in info(client) for client in clients))  # noqa: B023
        yield clients


def info(client):
    return client.execute_command("CLUSTER", "INFO", NEVER_DECODE=True)


def test_a_cluster_has_sharded_subscriptions_on_each_node(cluster, documented_acl) -> None:
    """Each group on the node that has its slot, as one name; the documented rights are enough."""
    port = cluster[0].connection_pool.connection_kwargs["port"]
    host = {"host": "127.0.0.1", "port": port, "username": "site", "password": "secret"}
    config = {"hosts": [host], "cluster": True}
    for client in cluster:
        client.execute_command(*" ".join(documented_acl).split())

    async def test():
        layer, other = RedisLayer(**config), RedisLayer(**config)
        channel = await layer.new_channel()
        groups = [f"group-{number}" for number in range(40)]
        for group in groups:
            await layer.group_add(group, channel)
        numbers = []
        for number, group in enumerate(groups):
            await other.group_send(group, {"number": number})
            numbers.append((await layer.receive(channel))["number"])
        names = [client.execute_command("PUBSUB", "SHARDCHANNELS") for client in cluster]
        return numbers, [len(each) for each in names], await exchange(layer, other)

    numbers, counts, exchanged = run(test())
    assert numbers == list(range(40))
    assert sum(counts) == 41
    assert all(counts)
    assert exchanged == EVERY


def test_a_slot_that_moves_takes_its_subscriptions_along(cluster) -> None:
    """Its node ends them, and they are made again at the other one."""
    first = cluster[0]
    port = first.connection_pool.connection_kwargs["port"]
    config = {"hosts": [("127.0.0.1", port)], "cluster": True}
    ids = [client.execute_command("CLUSTER", "MYID") for client in cluster]
    group = "all"
    index = index_of(group, CLUSTER_SHARDS)
    slot = first.execute_command("CLUSTER", "KEYSLOT", f"{{{index}}}")
    source, target = (0, 1) if slot < 8192 else (1, 0)

    async def test():
        layer, other = RedisLayer(**config), RedisLayer(**config)
        channel = await layer.new_channel()
        await layer.group_add(group, channel)
        await other.group_send(group, {"number": 0})
        await layer.receive(channel)
        of_group = layer._endpoint()._connections[index].subscriptions
        for client in (cluster[target], cluster[source]):
            client.execute_command("CLUSTER", "SETSLOT", slot, "NODE", ids[target])
        while not of_group.is_reconnecting:
            await asyncio.sleep(0.001)
        await layer.group_send(group, {"number": 1})
        await other.group_send(group, {"number": 2})
        return [(await layer.receive(channel))["number"] for _ in "12"]

    assert run(test()) == [1, 2]


def test_names_are_spread_over_the_shards() -> None:
    """Each process computes the same one."""
    counts = Counter(index_of(f"group-{number}", 4) for number in range(400))

    assert sorted(counts) == [0, 1, 2, 3]
    assert min(counts.values()) > 50
    assert index_of("all", 16) == 13
