"""The promises of the channel layer, between processes by a real Valkey."""

import asyncio
import os
import signal

import pytest
from asgiref.sync import async_to_sync
from channels.exceptions import ChannelFull
from channels_redis.serializers import JSONSerializer, registry
from redis.asyncio import Redis

from django_tandem.channels.redis_layer import SENDS_OF_A_LASTING_LOOP, RedisLayer
from harness.event_loop import run

pytestmark = pytest.mark.processes


async def number_of_subscribers(valkey, kind, key, prefix):
    async with Redis.from_url(valkey.url) as client:
        name = f"{prefix}:{kind}:{key}".encode()
        return dict(await client.pubsub_numsub(name))[name]


def prefix_of(layer):
    return layer._config.prefix


def test_a_group_reaches_the_members_of_each_process_in_order(layers) -> None:
    """As one sender sent the messages, and each once."""

    async def test():
        processes = layers(2)
        members = []
        for layer in processes:
            for _ in range(3):
                channel = await layer.new_channel()
                await layer.group_add("all", channel)
                members.append((layer, channel))
        for number in range(20):
            await processes[0].group_send("all", {"number": number})
        await processes[1].group_send("all", {"number": "last"})
        return [
            [(await layer.receive(channel))["number"] for _ in range(21)]
            for layer, channel in members
        ]

    assert run(test()) == [[*range(20), "last"]] * 6


def test_a_process_has_one_subscription_for_all_members_of_a_group(layers, valkey) -> None:
    """It ends with the last member."""

    async def test():
        layer = layers()
        channels = [await layer.new_channel() for _ in range(5)]
        for channel in channels:
            await layer.group_add("all", channel)
        counts = [await number_of_subscribers(valkey, "group", "all", prefix_of(layer))]
        for channel in channels:
            await layer.group_discard("all", channel)
        # What follows on the same connection is confirmed after it.
        await layer.group_add("other", channels[0])
        counts.append(await number_of_subscribers(valkey, "group", "all", prefix_of(layer)))
        return counts

    assert run(test()) == [1, 0]


def test_a_message_is_decoded_once_in_a_process(layers) -> None:
    """However many members the group has there."""
    decoded = []

    class Counting(JSONSerializer):
        @staticmethod
        def from_bytes(data):
            decoded.append(data)
            return JSONSerializer.from_bytes(data)

    registry.register_serializer("counting", Counting)

    async def test():
        layer = layers(serializer_format="counting")
        channels = [await layer.new_channel() for _ in range(10)]
        for channel in channels:
            await layer.group_add("all", channel)
        await layer.group_send("all", {"number": 1})
        return [await layer.receive(channel) for channel in channels]

    assert run(test()) == [{"number": 1}] * 10
    assert len(decoded) == 1


def test_a_channel_gets_what_any_process_sends_to_it(layers) -> None:
    """Also what is sent before its consumer receives."""

    async def test():
        layer, other = layers(2)
        channel = await layer.new_channel("chat")
        await other.send(channel, {"number": 1})
        await layer.send(channel, {"number": 2})
        return channel.partition(".")[0], [(await layer.receive(channel))["number"] for _ in "12"]

    assert run(test()) == ("chat", [1, 2])


def test_an_attached_channel_delivers_without_a_receiver(layers) -> None:
    """First what waits, in order, and nothing once it is detached."""

    async def test():
        layer = layers()
        channel = await layer.new_channel()
        await layer.group_add("all", channel)
        delivered = []
        has_both = asyncio.Event()

        def deliver(message):
            delivered.append(message["number"])
            if len(delivered) == 2:
                has_both.set()

        await layer.send(channel, {"number": 0})
        await layer.send(channel, {"number": -1})
        await layer.receive(channel)
        detach = layer.attach(channel, deliver)
        await layer.group_send("all", {"number": 1})
        await has_both.wait()
        detach()
        await layer.send(channel, {"number": 2})
        return delivered, await layer.receive(channel)

    assert run(test()) == ([-1, 1], {"number": 2})


def test_a_channel_ends_with_the_task_that_made_it(layers, valkey) -> None:
    """As a consumer has no other end; its groups are left."""

    async def test():
        layer = layers()
        is_member = asyncio.Event()

        async def consumer():
            channel = await layer.new_channel()
            await layer.group_add("all", channel)
            is_member.set()
            await layer.receive(channel)

        task = asyncio.ensure_future(consumer())
        await is_member.wait()
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        channel = await layer.new_channel()
        await layer.group_add("other", channel)
        return await number_of_subscribers(valkey, "group", "all", prefix_of(layer))

    assert run(test()) == 0


def test_a_channel_that_is_made_within_a_timeout_stays(layers) -> None:
    """wait_for makes a task before Python 3.12, which ends at once."""

    async def test():
        layer = layers()
        channel = await asyncio.ensure_future(layer.new_channel())
        await layer.group_add("all", channel)
        await layer.group_send("all", {"number": 1})
        return await layer.receive(channel)

    assert run(test()) == {"number": 1}


async def time_out(receive):
    """Wait for a message as ``wait_for`` does, until no more is there."""
    receiving = asyncio.ensure_future(receive)
    await asyncio.sleep(0)
    receiving.cancel()
    await asyncio.gather(receiving, return_exceptions=True)


def test_a_receive_that_times_out_keeps_the_groups(layers) -> None:
    """Also where the task that made the channel has ended: the next receive follows."""

    async def test():
        layer = layers()
        channel = await asyncio.ensure_future(layer.new_channel())
        await layer.group_add("all", channel)
        for _ in range(2):
            await time_out(layer.receive(channel))
        await layer.group_send("all", {"number": 1})
        return await layer.receive(channel)

    assert run(test()) == {"number": 1}


def test_a_channel_that_is_received_from_no_more_ends_after_the_expiry(layers, caplog) -> None:
    """A call that comes after its end is logged: it is in no group."""

    async def test():
        layer = layers(expiry=0.01)
        channel = await asyncio.ensure_future(layer.new_channel())
        await time_out(layer.receive(channel))
        while channel in layer._endpoint().channels:
            await asyncio.sleep(0.001)
        await layer.group_add("all", channel)
        await time_out(layer.receive(channel))
        return channel

    channel = run(test())
    assert caplog.messages == [
        f"Channel '{channel}' has ended, and does not join the group 'all'.",
        f"Channel '{channel}' was closed: it is created again, in no group.",
    ]


def test_a_channel_of_another_process_joins_and_leaves_a_group(layers) -> None:
    """As a view does with the channel that a consumer has stored."""

    async def test():
        layer, other = layers(2)
        channel = await layer.new_channel()
        await other.group_add("all", channel)
        await other.group_send("all", {"number": 1})
        await other.group_discard("all", channel)
        await other.group_send("all", {"number": 2})
        await other.send(channel, {"number": 3})
        return [(await layer.receive(channel))["number"] for _ in "12"]

    assert run(test()) == [1, 3]


def test_a_channel_of_a_process_that_has_ended_joins_nothing(layers, valkey) -> None:
    """Nor does anything wait for its answer."""

    async def test():
        layer, ended = layers(2)
        channel = await ended.new_channel()
        await ended.close()
        await layer.group_add("all", channel)
        await layer.send(channel, {"number": 1})
        await layer.group_send("all", {"number": 2})
        return await number_of_subscribers(valkey, "group", "all", prefix_of(layer))

    assert run(test()) == 0


def test_a_workers_message_has_one_receiver(layers) -> None:
    """Of two processes that receive, and in the order in which they were sent."""

    async def test():
        layer, *workers = layers(3)
        received = []
        is_done = asyncio.Event()

        async def work(worker):
            while True:
                received.append((await worker.receive("work"))["number"])
                if len(received) == 40:
                    is_done.set()

        tasks = [asyncio.ensure_future(work(worker)) for worker in workers]
        for number in range(40):
            await layer.send("work", {"number": number})
        await is_done.wait()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return received

    assert sorted(run(test())) == list(range(40))


def test_a_worker_that_is_cancelled_loses_no_message(layers) -> None:
    """Whenever that happens, what it took is the next one's, and the order stays."""

    async def test():
        layer, worker = layers(2)
        received = []
        for number in range(30):
            await layer.send("work", {"number": number})
            task = asyncio.ensure_future(worker.receive("work"))
            # A different moment of the same exchange each time.
            for _ in range(number):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
            if not task.cancelled():
                received.append(task.result()["number"])
        while len(received) < 30:
            received.append((await worker.receive("work"))["number"])
        return received

    assert run(test()) == list(range(30))


def test_a_workers_channel_is_full_at_its_capacity(layers) -> None:
    """Until a message is received; a group passes over it."""

    async def test():
        layer = layers(capacity=2, channel_capacity={"small*": 1})
        for channel in ("work", "work", "small.one"):
            await layer.send(channel, {"type": "x"})
        for channel in ("work", "small.one"):
            with pytest.raises(ChannelFull):
                await layer.send(channel, {"type": "x"})
        await layer.group_add("all", "work")
        await layer.group_send("all", {"type": "x"})
        await layer.receive("work")
        await layer.send("work", {"type": "x"})

    run(test())


def test_a_workers_message_expires(layers) -> None:
    """Neither is it received, nor does it count for the capacity."""

    async def test():
        layer = layers(expiry=0.05, capacity=1)
        await layer.send("work", {"number": 1})
        while True:
            try:
                await layer.send("work", {"number": 2})
                break
            except ChannelFull:
                await asyncio.sleep(0)
        late = layers(expiry=60)
        await asyncio.sleep(0.06)
        await late.send("work", {"number": 3})
        return await late.receive("work")

    assert run(test()) == {"number": 3}


def test_a_workers_channel_is_a_member_of_a_group_for_the_group_expiry(layers) -> None:
    """It has no process whose life could be the membership's."""

    async def test():
        layer = layers(group_expiry=60)
        await layer.group_add("all", "work")
        await layer.group_send("all", {"number": 1})
        await layer.group_discard("all", "work")
        await layer.group_send("all", {"number": 2})
        await layer.send("work", {"number": 3})
        return [(await layer.receive("work"))["number"] for _ in "12"]

    assert run(test()) == [1, 3]


def test_flush_leaves_nothing_and_the_layer_stays_usable(layers, valkey) -> None:
    """Messages, groups and channels of its prefix are gone, those of others are not."""

    async def test():
        layer = layers()
        other = RedisLayer(hosts=[valkey.url], prefix=f"{prefix_of(layer)}2")
        await other.send("work", {"number": 0})
        channel = await layer.new_channel()
        await layer.group_add("all", channel)
        await layer.group_add("all", "work")
        await layer.send("work", {"number": 1})
        await layer.flush()
        await layer.group_send("all", {"number": 2})
        await layer.send("work", {"number": 3})
        return await layer.receive("work"), await other.receive("work")

    assert run(test()) == ({"number": 3}, {"number": 0})


@pytest.mark.parametrize("serializer_format", ["msgpack", "json"])
def test_messages_are_encrypted(layers, valkey, serializer_format) -> None:
    """With the first key, and each can decrypt; a message of another key is dropped."""

    async def test():
        new, old, foreign = (
            layers(symmetric_encryption_keys=keys, serializer_format=serializer_format)
            for keys in (["new", "old"], ["old"], ["foreign"])
        )
        channel = await new.new_channel()
        await foreign.send(channel, {"text": "unreadable"})
        await old.send(channel, {"text": "secret"})
        return await new.receive(channel)

    assert run(test()) == {"text": "secret"}


def test_a_sync_view_sends_without_a_connection_for_each_message(layers, valkey) -> None:
    """Each async_to_sync has another event loop, and a connection belongs to one."""
    layer = layers()
    async_to_sync(layer.group_send)("all", {"number": 0})

    def connections():
        return async_to_sync(_connections_received)(valkey)

    before = connections()
    for number in range(5):
        async_to_sync(layer.group_send)("all", {"number": number})

    # The second count is itself one.
    assert connections() - before == 1


async def _connections_received(valkey):
    async with Redis.from_url(valkey.url) as client:
        return (await client.info("stats"))["total_connections_received"]


def test_an_event_loop_that_sends_often_gets_a_connection(layers) -> None:
    """Then its messages take no thread."""

    async def test():
        layer = layers()
        for number in range(SENDS_OF_A_LASTING_LOOP + 1):
            is_own = bool(layer._endpoints.get(asyncio.get_running_loop()))
            await layer.group_send("all", {"number": number})
        return is_own, bool(layer._endpoints.get(asyncio.get_running_loop()))

    assert run(test()) == (False, True)


def test_a_process_that_is_forked_has_channels_of_its_own(layers) -> None:
    """What the parent has opened stays the parent's, which can use it."""

    async def test():
        layer = layers()
        channel = await layer.new_channel()
        readable, writable = os.pipe()
        child = os.fork()
        if not child:
            # The event loop of the parent is not the child's.
            asyncio._set_running_loop(None)
            signal.alarm(10)

            async def send():
                own = await layer.new_channel()
                await layer.send(channel, {"own": own})
                os.write(writable, own.encode())

            try:
                asyncio.run(send())
            finally:
                os._exit(0)
        message = await layer.receive(channel)
        os.waitpid(child, 0)
        own = os.read(readable, 200).decode()
        os.close(readable), os.close(writable)
        await layer.send(channel, {"number": 2})
        return channel, own, message["own"], await layer.receive(channel)

    channel, own, sent, second = run(test())
    assert own == sent
    assert own.partition("!")[0] != channel.partition("!")[0]
    assert second == {"number": 2}


def test_a_process_that_is_forked_sends_by_a_thread_of_its_own(layers) -> None:
    """That of the parent does not run there."""
    layer = layers()
    async_to_sync(layer.send)("work", {"number": 0})
    child = os.fork()
    if not child:
        signal.alarm(5)
        try:
            async_to_sync(layer.send)("work", {"number": 1})
        finally:
            os._exit(0)
    os.waitpid(child, 0)

    async def receive():
        return [(await layer.receive("work"))["number"] for _ in "12"]

    assert run(receive()) == [0, 1]


def test_several_hosts_share_the_names(tmp_path, valkey, layers) -> None:
    """Each process finds a name on the same one."""

    async def test():
        hosts = [f"{valkey.url}?db={number}" for number in range(3)]
        layer, other = layers(2, hosts=hosts)
        channel = await layer.new_channel()
        received = []
        for number in range(9):
            await layer.group_add(f"group-{number}", channel)
            await other.group_send(f"group-{number}", {"number": number})
            received.append((await layer.receive(channel))["number"])
            await other.send(f"work-{number}", {"number": number})
            received.append((await layer.receive(f"work-{number}"))["number"])
        return received

    assert run(test()) == sorted([*range(9), *range(9)])


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda layer: layer.send("no spaces", {}), TypeError),
        (lambda layer: layer.receive("no spaces"), TypeError),
        (lambda layer: layer.group_add("no spaces", "work"), TypeError),
        (lambda layer: layer.group_send("all", "text"), TypeError),
        (lambda layer: layer.receive("specific.other!name"), AssertionError),
    ],
)
def test_a_wrong_argument_is_an_error(layers, call, error) -> None:
    """As in Channels' own layer."""
    with pytest.raises(error):
        run(call(layers()))


def test_hosts_have_to_be_a_list() -> None:
    """As channels_redis says."""
    with pytest.raises(ValueError, match="You must pass a list of Redis hosts"):
        RedisLayer(hosts="redis://localhost")
