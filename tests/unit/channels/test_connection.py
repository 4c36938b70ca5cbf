"""A send reaches the members at the master, whichever server its name leads to meanwhile."""

import asyncio
from contextlib import ExitStack

import pytest
from redis import Redis
from redis.exceptions import ReadOnlyError

from django_tandem.channels import redis_limits
from django_tandem.channels.redis_layer import RedisLayer
from harness.event_loop import run
from harness.stack import free_port
from harness.valkey import valkey as run_valkey

pytestmark = pytest.mark.processes


class Pair:
    """Two masters, and a name that leads to one of them, as that of a service does."""

    def __init__(self, directory, stack):
        self._name = directory / "name.sock"
        self.url = f"unix://{self._name}"
        self._ports = [free_port(), free_port()]
        self._servers = []
        for port in self._ports:
            (directory / str(port)).mkdir()
            made = run_valkey(directory / str(port), "--port", str(port))
            self._servers.append(stack.enter_context(made))
        self.first = stack.enter_context(Redis.from_url(self._servers[0].url))
        self.lead_to(0)

    def lead_to(self, number):
        """Have new connections by the name reach the server of that number."""
        self._name.unlink(missing_ok=True)
        self._name.symlink_to(self._servers[number].path)

    def fail_over(self):
        """Make the first the replica of the second; it keeps its clients."""
        self.first.execute_command("REPLICAOF", "127.0.0.1", self._ports[1])

    def isolate_first(self):
        """Make the first the replica of a server that is not there; it keeps its clients."""
        self.first.execute_command("REPLICAOF", "127.0.0.1", free_port())

    def subscribers_at_second(self):
        """Return how many clients have a subscription at the second server."""
        with Redis.from_url(self._servers[1].url) as second:
            return int(second.info("clients")["pubsub_clients"])

    def refusals(self):
        """Return how many writes the first server has refused since it is a replica."""
        return self.first.info("errorstats").get("errorstat_READONLY", {}).get("count", 0)


@pytest.fixture
def pair(tmp_path):
    with ExitStack() as stack:
        yield Pair(tmp_path, stack)


async def member_of(layer, group):
    channel = await layer.new_channel()
    await layer.group_add(group, channel)
    return channel


async def received(layer, channel, count):
    return [(await layer.receive(channel))["number"] for _ in range(count)]


def test_a_group_reaches_the_members_at_a_new_master(pair) -> None:
    """Those of the sender's own process too, and each once; no connection was closed."""

    async def test():
        old = RedisLayer(hosts=[pair.url])
        own = await member_of(old, "all")
        await old.group_send("all", {"number": 0})
        pair.fail_over()
        pair.lead_to(1)
        new = RedisLayer(hosts=[pair.url])
        other = await member_of(new, "all")
        await old.group_send("all", {"number": 1})
        await asyncio.gather(*(old.group_send("all", {"number": 2}) for _ in range(20)))
        await old.send(other, {"number": 3})
        await new.send(own, {"number": 3})
        found = await received(old, own, 23), await received(new, other, 22)
        at_replica = pair.first.execute_command("PUBSUB", "CHANNELS")
        return found, at_replica

    assert run(test()) == (([0, 1, *[2] * 20, 3], [1, *[2] * 20, 3]), [])


def test_a_channel_and_a_workers_list_are_sent_to_at_the_new_master(pair) -> None:
    """As a group is, by a process that has no subscription, and by one that joins for another."""

    async def test():
        old = RedisLayer(hosts=[pair.url])
        await old.send("work", {"number": 0})
        await old.receive("work")
        pair.fail_over()
        pair.lead_to(1)
        new = RedisLayer(hosts=[pair.url])
        channel = await new.new_channel()
        await old.send(channel, {"number": 1})
        await old.group_add("all", channel)
        await old.group_send("all", {"number": 2})
        await old.send("work", {"number": 3})
        return await received(new, channel, 2), await received(new, "work", 1)

    assert run(test()) == ([1, 2], [3])


def test_a_send_waits_until_its_name_leads_to_the_master(pair) -> None:
    """The name follows the failover by seconds, where it is one of DNS."""

    async def test():
        layer = RedisLayer(hosts=[pair.url])
        channel = await member_of(layer, "all")
        pair.fail_over()
        sending = asyncio.ensure_future(layer.group_send("all", {"number": 1}))
        while pair.refusals() < 3:
            await asyncio.sleep(0.01)
        is_waiting = not sending.done()
        pair.lead_to(1)
        await sending
        return is_waiting, await received(layer, channel, 1)

    assert run(test()) == (True, [1])


def test_a_worker_receives_at_the_new_master(pair) -> None:
    """It waits meanwhile, and does not end."""

    async def test():
        layer = RedisLayer(hosts=[pair.url])
        pair.fail_over()
        receiving = asyncio.ensure_future(layer.receive("work"))
        while not pair.refusals():
            await asyncio.sleep(0.01)
        pair.lead_to(1)
        await RedisLayer(hosts=[pair.url]).send("work", {"number": 1})
        return (await receiving)["number"]

    assert run(test()) == 1


def test_a_process_that_sends_nothing_leaves_a_replica_without_its_master(
    pair, monkeypatch
) -> None:
    """The replica answers as before, but it passes on nothing."""
    monkeypatch.setattr(redis_limits, "IDLE_S", 0.1)
    monkeypatch.setattr(redis_limits, "TIMEOUT_S", 0.5)

    async def test():
        layer = RedisLayer(hosts=[pair.url])
        channel = await member_of(layer, "all")
        pair.isolate_first()
        pair.lead_to(1)
        async with asyncio.timeout(30):
            while not pair.subscribers_at_second():
                await asyncio.sleep(0.05)
            await layer._endpoint()._connections[0].subscriptions.wait_until_current()
        # What follows has nothing to do with the limit of a test.
        monkeypatch.undo()
        await RedisLayer(hosts=[pair.url]).group_send("all", {"number": 1})
        return await received(layer, channel, 1)

    assert run(test()) == [1]


def test_a_connection_that_passes_on_what_is_published_is_kept(pair, monkeypatch) -> None:
    """Its test is of no consequence, however often it is repeated."""
    monkeypatch.setattr(redis_limits, "IDLE_S", 0.05)

    async def test():
        layer = RedisLayer(hosts=[pair.url])
        channel = await member_of(layer, "all")
        connection = layer._endpoint()._connections[0]
        opened_at = connection.subscriptions._opened_at
        for _ in range(3):
            before = connection._test
            async with asyncio.timeout(30):
                while connection._test is before or not connection._test.done():
                    await asyncio.sleep(0.01)
        await layer.group_send("all", {"number": 1})
        return await received(layer, channel, 1), connection.subscriptions._opened_at == opened_at

    assert run(test()) == ([1], True)


def test_a_server_that_stays_a_replica_is_an_error(pair, monkeypatch) -> None:
    """The one that the replica answers."""
    monkeypatch.setattr(redis_limits, "TIMEOUT_S", 1)
    pair.fail_over()

    async def test():
        with pytest.raises(ReadOnlyError) as caught:
            await RedisLayer(hosts=[pair.url]).group_send("all", {})
        return str(caught.value)

    assert run(test()).startswith("You can't write against a read only replica.")


def test_two_processes_join_many_channels_of_each_other(layers) -> None:
    """More at once than commands have connections: each process answers the other all the same."""

    async def test():
        pair = layers(2)
        channels = [[await layer.new_channel() for _ in range(20)] for layer in pair]
        await asyncio.gather(
            *(pair[0].group_add("all", each) for each in channels[1]),
            *(pair[1].group_add("all", each) for each in channels[0]),
        )
        await pair[0].group_send("all", {"number": 1})
        return [
            await received(layer, each, 1)
            for layer, own in zip(pair, channels, strict=True)
            for each in own
        ]

    assert run(test()) == [[1]] * 40
