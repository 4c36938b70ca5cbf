"""A connection that is lost is replaced, and no member of a group stays deaf."""

import asyncio

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from django_tandem.channels import redis_limits, shards, subscriptions
from django_tandem.channels.redis_layer import RedisLayer
from django_tandem.channels.rights import MissingRightError
from harness.event_loop import run

pytestmark = pytest.mark.processes


@pytest.fixture
def layer(own_valkey):
    """A layer on the server that the test kills."""
    return RedisLayer(hosts=[own_valkey.url])


async def members_of(layer, *groups):
    """Return a channel for each of the groups, each another member."""
    channels = [await layer.new_channel() for _ in groups]
    for group, channel in zip(groups, channels, strict=True):
        await layer.group_add(group, channel)
    return channels


async def send_until_current(layer, group, message):
    """Send once all groups are joined again, which the sender waits for."""
    for connection in layer._endpoint()._connections:
        await connection.subscriptions.wait_until_current()
    await layer.group_send(group, message)


def test_members_get_each_message_once_after_each_of_five_restarts(own_valkey, layer) -> None:
    """Of two groups, and on a channel, with nothing that the server had kept."""

    async def test():
        channels = await members_of(layer, "one", "one", "two")
        received = [[] for _ in channels]
        for restart in range(5):
            own_valkey.kill()
            while not layer._endpoint()._connections[0].subscriptions.is_reconnecting:
                await asyncio.sleep(0.001)
            own_valkey.start()
            for group in ("one", "two"):
                await layer.group_send(group, {"number": restart})
            for channel in channels:
                await layer.send(channel, {"number": f"own {restart}"})
            for channel, numbers in zip(channels, received, strict=True):
                numbers += [(await layer.receive(channel))["number"] for _ in "12"]
        return received

    expected = [each for number in range(5) for each in (number, f"own {number}")]
    assert run(test()) == [expected] * 3


def test_a_lost_connection_is_logged_once_with_its_length(own_valkey, layer, caplog) -> None:
    """Not at each attempt."""

    async def test():
        await members_of(layer, "one")
        own_valkey.kill()
        while not layer._endpoint()._connections[0].subscriptions.is_reconnecting:
            await asyncio.sleep(0.001)
        own_valkey.start()
        await layer.group_send("one", {})

    run(test())
    lost, restored = caplog.messages
    assert lost == "Redis is unavailable, reconnecting: Connection closed by server."
    assert restored.startswith("Redis is available again after ")


def test_a_group_may_be_joined_and_left_while_redis_restarts(own_valkey, layer) -> None:
    """The one that joins waits until it is a member, and the one that left gets nothing."""

    async def test():
        leaving, joining = await members_of(layer, "one", "two")
        own_valkey.kill()
        while not layer._endpoint()._connections[0].subscriptions.is_reconnecting:
            await asyncio.sleep(0.001)
        joined = asyncio.ensure_future(layer.group_add("one", joining))
        await layer.group_discard("one", leaving)
        own_valkey.start()
        await joined
        await layer.group_send("one", {"number": 1})
        await layer.send(leaving, {"number": 2})
        return await layer.receive(joining), await layer.receive(leaving)

    assert run(test()) == ({"number": 1}, {"number": 2})


def test_a_worker_waits_while_redis_restarts(own_valkey, layer) -> None:
    """And receives what is sent from then on."""

    async def test():
        receiving = asyncio.ensure_future(layer.receive("work"))
        await members_of(layer, "one")
        for _ in range(2):
            own_valkey.kill()
            while not layer._endpoint()._connections[0].subscriptions.is_reconnecting:
                await asyncio.sleep(0.001)
            own_valkey.start()
            await layer.group_send("one", {})
        await layer.send("work", {"number": 1})
        return await receiving

    assert run(test()) == {"number": 1}


def test_a_server_that_never_answered_is_an_error(tmp_path) -> None:
    """The setting is wrong: neither a consumer nor a worker waits."""
    layer = RedisLayer(hosts=[f"unix://{tmp_path}/none"])

    async def test():
        for call in (layer.new_channel(), layer.receive("work"), layer.send("work", {})):
            with pytest.raises(RedisConnectionError):
                await call

    run(test())


def test_a_redis_that_hangs_is_an_error(own_valkey, layer, monkeypatch) -> None:
    """After a bounded time, by each command; when Redis answers again, they work."""

    async def test():
        (channel,) = await members_of(layer, "one")
        with own_valkey.frozen(), monkeypatch.context() as patch:
            patch.setattr(redis_limits, "TIMEOUT_S", 0.3)
            for call in (
                layer.send(channel, {"number": 0}),
                layer.group_send("one", {"number": 0}),
                layer.group_add("two", channel),
                layer.send("work", {"number": 0}),
            ):
                with pytest.raises(RedisTimeoutError) as caught:
                    await call
                assert str(caught.value) == "Redis did not answer within 0.3 s."
        await layer.group_add("two", channel)
        await layer.group_send("two", {"number": 1})
        while (received := await layer.receive(channel)) != {"number": 1}:
            assert received == {"number": 0}

    run(test())


def test_a_connection_that_is_lost_without_a_sign_is_replaced(
    own_valkey, layer, monkeypatch
) -> None:
    """A firewall may drop it: it is tested when it was quiet, and each name subscribed to again."""
    monkeypatch.setattr(redis_limits, "IDLE_S", 0.1)

    async def test():
        (channel,) = await members_of(layer, "one")
        of_group = layer._endpoint()._connections[0].subscriptions
        with own_valkey.frozen(), monkeypatch.context() as patch:
            patch.setattr(redis_limits, "TIMEOUT_S", 0.2)
            while not of_group.is_reconnecting:
                await asyncio.sleep(0.01)
        await of_group.wait_until_current()
        await layer.group_send("one", {"number": 1})
        return await layer.receive(channel)

    assert run(test()) == {"number": 1}


def test_a_thousand_groups_are_joined_again_by_few_commands(own_valkey, layer) -> None:
    """And each of them works."""

    async def test():
        channel = await layer.new_channel()
        names = [f"group-{number}" for number in range(1000)]
        await asyncio.gather(*(layer.group_add(name, channel) for name in names))
        own_valkey.kill()
        of_group = layer._endpoint()._connections[0].subscriptions
        while not of_group.is_reconnecting:
            await asyncio.sleep(0.001)
        own_valkey.start()
        await of_group.wait_until_current()
        for number in (0, 499, 500, 999):
            await layer.group_send(f"group-{number}", {"number": number})
        return [(await layer.receive(channel))["number"] for _ in range(4)]

    assert run(test()) == [0, 499, 500, 999]


def test_a_subscription_that_is_forbidden_is_an_error(own_valkey) -> None:
    """The consumer gets it, and the subscriptions that are allowed stay."""
    from redis import Redis

    admin = Redis.from_url(own_valkey.url)
    rules = ("on", "nopass", "~*", "+@all", "resetchannels")
    allowed = ("&asgi:process:*", "&asgi:group:allowed")
    admin.execute_command("ACL", "SETUSER", "site", *rules, *allowed)
    layer = RedisLayer(hosts=[{"address": own_valkey.url, "username": "site", "password": ""}])

    async def test():
        channel, second = await members_of(layer, "allowed", "allowed")
        with pytest.raises(MissingRightError):
            await layer.group_add("forbidden", second)
        await send_until_current(layer, "allowed", {"number": 1})
        return await layer.receive(channel)

    assert run(test()) == {"number": 1}
    admin.close()


class Buffered:
    """A connection of redis-py with answers in its buffer, which it returns without a wait."""

    def __init__(self, answers):
        self._answers = list(answers)

    async def read_response(self, **_options):
        if not self._answers:
            raise RedisConnectionError("Connection closed by server.")
        return self._answers.pop(0)


def test_other_tasks_run_between_two_messages_of_one_read() -> None:
    """Redis may send many at once: a health check, or a consumer, does not wait for all."""
    turns = []

    async def tick():
        while True:
            turns.append("tick")
            await asyncio.sleep(0)

    async def test():
        async def note(_name, data):
            turns.append(data)

        of_group = subscriptions.Subscriptions(
            shards.HostShard({"host": "127.0.0.1"}), note, lambda: None, lambda: None
        )
        ticking = asyncio.ensure_future(tick())
        with pytest.raises(RedisConnectionError):
            await of_group._read_from(Buffered([b"message", b"one", number] for number in range(5)))
        ticking.cancel()

    run(test())
    assert turns[turns.index(0) :] == [0, "tick", 1, "tick", 2, "tick", 3, "tick", 4, "tick"]


class ClosedAtPing:
    """A server whose first connection ends between the answer to SUBSCRIBE and that to PING."""

    def __init__(self):
        self.subscribed = []
        self._connections = 0

    async def serve(self, reader, writer):
        self._connections += 1
        is_first = self._connections == 1
        while (name := (await read_command(reader))) and name[0] != b"PING":
            if name[0] == b"SUBSCRIBE":
                self.subscribed.append(name[1])
                writer.write(b"*3\r\n$9\r\nsubscribe\r\n$3\r\none\r\n:1\r\n")
            else:
                writer.write(b"+OK\r\n")
        if not is_first:
            writer.write(b"*2\r\n$4\r\npong\r\n$0\r\n\r\n")
            await reader.read()
        writer.close()


async def drop(_name, _data):
    """Take a message."""


async def read_command(reader):
    """Return the words of one command, none at the end."""
    count = await reader.readline()
    words = []
    for _ in range(int(count[1:] or 0)):
        length = int((await reader.readline())[1:])
        words.append((await reader.readexactly(length + 2))[:-2])
    return words


def test_a_first_connection_that_ends_after_a_subscription_is_replaced(tmp_path) -> None:
    """The member has its confirmation, and knows nothing of the end."""

    async def test():
        server = ClosedAtPing()
        path = str(tmp_path / "redis.sock")
        async with await asyncio.start_unix_server(server.serve, path):
            shard = shards.HostShard({"address": f"unix://{path}?protocol=2"})
            of_group = subscriptions.Subscriptions(shard, drop, lambda: None, lambda: None)
            await of_group.add(b"one")
            await of_group.wait_until_current()
            await of_group.aclose()
        return server.subscribed

    assert run(test()) == [b"one", b"one"]
