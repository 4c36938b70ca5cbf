"""The layers of channels_redis deliver into mailboxes, on a real Valkey."""

import asyncio
import contextlib

import pytest
from channels_redis.core import RedisChannelLayer
from channels_redis.pubsub import RedisPubSubChannelLayer
from redis.exceptions import ConnectionError as RedisConnectionError

from django_tandem import fingerprints
from django_tandem.channels.mailbox import Mailbox
from django_tandem.inprocess import layer_attachment
from django_tandem.inprocess.channel_layers import reconnecting
from django_tandem.inprocess.layer_attachment import attach
from django_tandem.model.connections import MailboxLimits
from harness.valkey import valkey

pytestmark = pytest.mark.processes
# As msgpack words both.
UNDECODABLE = "unpack|max_map_len"
LAYERS = (RedisChannelLayer, RedisPubSubChannelLayer)


@pytest.fixture(scope="module")
def redis(tmp_path_factory):
    with valkey(tmp_path_factory.mktemp("redis")) as started:
        yield started


class Member:
    """A consumer's mailbox and its channel in a group."""

    def __init__(self, layer):
        self.layer = layer
        self.mailbox = Mailbox(MailboxLimits())

    async def join(self, group="all"):
        self.channel = await self.layer.new_channel()
        self.attachment = attach(self.layer, self.channel, self.mailbox)
        await self.layer.group_add(group, self.channel)
        return self

    async def receive(self):
        return await asyncio.wait_for(self.mailbox.receive(), 10)


async def close(layer):
    await (layer.close_pools() if isinstance(layer, RedisChannelLayer) else layer.flush())


def run(redis, made, scenario, *, wrap=reconnecting, **options):
    async def inner():
        layer = wrap(made(hosts=[redis.url], **options))
        await layer.flush()
        try:
            return await asyncio.wait_for(scenario(layer), 30)
        finally:
            await close(layer)

    return asyncio.run(inner())


@pytest.mark.parametrize("made", LAYERS)
def test_each_member_gets_each_message_once_and_in_order(redis, made):
    """Of a group, and of its channel."""

    async def scenario(layer):
        members = [await Member(layer).join() for _ in range(3)]
        for number in range(5):
            await layer.group_send("all", {"type": "note", "number": number})
        await layer.send(members[0].channel, {"type": "note", "number": 9})
        first = [(await members[0].receive())["number"] for _ in range(6)]
        rest = [[(await each.receive())["number"] for _ in range(5)] for each in members[1:]]
        for each in members:
            await each.attachment.detach()
        return first, rest, any(each.mailbox for each in members)

    # A channel of the pub/sub layer and its groups may be on different connections.
    first, rest, is_left = run(redis, made, scenario)

    assert (sorted(first), rest, is_left) == ([0, 1, 2, 3, 4, 9], [[0, 1, 2, 3, 4]] * 2, False)


@pytest.mark.parametrize("made", LAYERS)
@pytest.mark.parametrize("value", ["flat", {"nested": [1]}])
def test_what_one_consumer_changes_no_other_sees(redis, made, value):
    """Each gets another message."""

    async def scenario(layer):
        one, other = await Member(layer).join(), await Member(layer).join()
        await layer.group_send("all", {"type": "note", "value": value})
        first = await one.receive()
        first["seen"] = True
        second = await other.receive()
        for each in (one, other):
            await each.attachment.detach()
        return second

    assert run(redis, made, scenario) == {"type": "note", "value": value}


@pytest.mark.parametrize("made", LAYERS)
def test_what_came_before_the_attachment_is_delivered_first(redis, made):
    """A message may be sent as soon as the channel has its name."""

    async def scenario(layer):
        early, other = await layer.new_channel(), await layer.new_channel()
        await layer.send(early, {"type": "note", "number": 1})
        await layer.send(other, {"type": "note", "number": 0})
        # It receives for the whole process.
        await layer.receive(other)
        mailbox = Mailbox(MailboxLimits())
        attachment = attach(layer, early, mailbox)
        await layer.send(early, {"type": "note", "number": 2})
        found = [(await mailbox.receive())["number"] for _ in range(2)]
        await attachment.detach()
        return found

    assert run(redis, made, scenario) == [1, 2]


@pytest.mark.parametrize("made", LAYERS)
def test_the_layer_forgets_a_channel_that_is_detached(redis, made):
    """As when the receive of a consumer is cancelled, and leaves no task behind."""

    async def scenario(layer):
        before = asyncio.all_tasks()
        member = await Member(layer).join()
        await member.attachment.detach()
        await asyncio.sleep(0)
        kept = layer.receive_buffer if made is RedisChannelLayer else layer.channels
        new = [each for each in asyncio.all_tasks() - before if "_receive(" in repr(each)]
        if made is RedisPubSubChannelLayer:
            return member.channel in kept, member.channel in layer._shards[0]._subscribed_to, new
        while any(not each.done() for each in new):
            await asyncio.sleep(0.001)
        return member.channel in kept, False, []

    assert run(redis, made, scenario) == (False, False, [])


def test_an_undecodable_message_is_an_error_of_its_consumers(redis):
    """It raises where the consumer would receive it, and the other messages still arrive."""

    async def scenario(layer):
        member = await Member(layer).join()
        shard = layer._shards[0]
        await shard.publish(layer._get_group_channel_name("all"), b"\x81")
        with pytest.raises(ValueError, match=UNDECODABLE):
            await member.receive()
        await layer.group_send("all", {"type": "note"})
        received = await member.receive()
        await member.attachment.detach()
        return received

    assert run(redis, RedisPubSubChannelLayer, scenario) == {"type": "note"}


def test_an_error_of_the_core_layer_ends_one_consumer(redis):
    """That which would have received; another one goes on."""

    async def scenario(layer):
        one, other = await Member(layer).join(), await Member(layer).join()
        key = layer.prefix + layer.non_local_name(one.channel)
        await layer.connection(0).zadd(key, {b"undecodable-message": 1})
        with pytest.raises(ValueError, match=UNDECODABLE):
            await one.receive()
        await layer.group_send("all", {"type": "note"})
        received = await other.receive()
        for each in (one, other):
            await each.attachment.detach()
        return received

    assert run(redis, RedisChannelLayer, scenario) == {"type": "note"}


def test_a_consumer_that_follows_an_error_of_the_core_layer_receives(redis):
    """The task that receives has ended with the last consumer."""

    async def scenario(layer):
        failed = await Member(layer).join()
        key = layer.prefix + layer.non_local_name(failed.channel)
        await layer.connection(0).zadd(key, {b"undecodable-message": 1})
        with pytest.raises(ValueError, match=UNDECODABLE):
            await failed.receive()
        following = await Member(layer).join()
        await layer.group_send("all", {"type": "note"})
        received = await following.receive()
        for each in (failed, following):
            await each.attachment.detach()
        return received

    assert run(redis, RedisChannelLayer, scenario) == {"type": "note"}


def test_members_of_the_core_layer_survive_a_restart_of_redis(tmp_path):
    """The one task that receives waits for it, and joins the groups again."""

    async def scenario(layer):
        member = await Member(layer).join()
        redis.kill()
        redis.start()
        async with asyncio.timeout(20):
            while not member.mailbox:
                # The first one may find the connection closed.
                with contextlib.suppress(RedisConnectionError):
                    await layer.group_send("all", {"type": "note"})
                await asyncio.sleep(0.02)
        await member.attachment.detach()
        return member.mailbox.take()

    with valkey(tmp_path) as redis:
        assert run(redis, RedisChannelLayer, scenario) == {"type": "note"}


class OwnReceive(RedisChannelLayer):
    async def receive(self, channel):
        return await super().receive(channel)


class OwnPubSub(RedisPubSubChannelLayer):
    pass


@pytest.mark.parametrize("made", [OwnReceive, OwnPubSub])
def test_a_subclass_of_the_project_is_received_from(redis, made):
    """As it may rely on its receive."""

    async def scenario(layer):
        channel = await layer.new_channel()
        return attach(layer, channel, Mailbox(MailboxLimits()))

    assert run(redis, made, scenario) is None


@pytest.mark.parametrize("made", LAYERS)
def test_an_unknown_version_is_received_from(redis, made, monkeypatch):
    """And one line says so."""
    monkeypatch.setattr(fingerprints, "is_known", lambda name: not name.endswith(".new_channel"))
    for known in (layer_attachment._is_core_known, layer_attachment._is_pubsub_known):
        known.cache_clear()

    async def scenario(layer):
        channel = await layer.new_channel()
        return attach(layer, channel, Mailbox(MailboxLimits()))

    try:
        assert run(redis, made, scenario, wrap=lambda layer: layer) is None
    finally:
        for known in (layer_attachment._is_core_known, layer_attachment._is_pubsub_known):
            known.cache_clear()
