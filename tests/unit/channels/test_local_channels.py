"""What one event loop receives: in order, bounded, and each message by one receiver."""

import asyncio

from django_tandem.channels.frame import BROADCAST
from django_tandem.channels.local_channels import MEMBERS_AT_ONCE, LocalChannels

GROUP = b"group"


async def receive(channels, name="a"):
    """Return the next message of the channel, as the layer does."""
    channel = channels.open(name)
    while (message := channel.take()) is None:
        await channel.wait()
    return message


def run(test):
    """Run ``test`` with the channels of an event loop: capacity 3, expiry one minute."""

    async def with_channels():
        return await test(LocalChannels(60, lambda _: 3))

    return asyncio.run(with_channels())


def test_messages_are_received_in_the_order_of_their_arrival() -> None:
    """Also by a receiver that waited before the first."""

    async def test(channels):
        receiving = asyncio.ensure_future(receive(channels))
        await asyncio.sleep(0)
        for number in range(3):
            channels.put("a", {"number": number})
        return [await receiving, *[await receive(channels) for _ in range(2)]]

    assert [each["number"] for each in run(test)] == [0, 1, 2]


def test_messages_beyond_the_capacity_are_dropped() -> None:
    """As Channels' own layer does for a consumer that does not receive."""

    async def test(channels):
        channels.join(GROUP, "a")
        for number in range(5):
            await channels.put_to_group(GROUP, {"number": number})
        return [(await receive(channels))["number"] for _ in range(3)]

    assert run(test) == [0, 1, 2]


def test_an_expired_message_is_not_received() -> None:
    """The one after it is."""

    async def test(channels):
        channel = channels.open("a")
        now = asyncio.get_running_loop().time()
        channel.put({"number": 1}.copy, now - 1)
        channel.put({"number": 2}.copy, now + 60)
        return await receive(channels)

    assert run(test) == {"number": 2}


def test_an_expired_message_counts_for_no_capacity() -> None:
    """There is room for another one."""

    async def test(channels):
        channel = channels.open("a")
        now = asyncio.get_running_loop().time()
        for number in range(3):
            channel.put({"number": number}.copy, now - 1)
        channel.put({"number": 3}.copy, now + 60)
        return await receive(channels)

    assert run(test) == {"number": 3}


def test_each_message_has_one_receiver() -> None:
    """Of two that wait on one channel, the first gets the first message."""

    async def test(channels):
        receiving = [asyncio.ensure_future(receive(channels)) for _ in range(2)]
        await asyncio.sleep(0)
        channels.put("a", {"number": 1})
        channels.put("a", {"number": 2})
        return await asyncio.gather(*receiving)

    assert run(test) == [{"number": 1}, {"number": 2}]


def test_a_receiver_that_is_cancelled_loses_no_message() -> None:
    """It was woken, and another one gets the message."""

    async def test(channels):
        first, second = (asyncio.ensure_future(receive(channels)) for _ in range(2))
        await asyncio.sleep(0)
        channels.put("a", {"number": 1})
        first.cancel()
        return await asyncio.wait_for(second, 5)

    assert run(test) == {"number": 1}


def test_an_attached_channel_delivers_what_waited_first() -> None:
    """What arrives after it is detached waits to be received."""

    async def test(channels):
        delivered = []
        channels.open("a")
        channels.put("a", {"number": 1})
        channels.open("a").attach(delivered.append)
        channels.put("a", {"number": 2})
        channels.open("a").deliver = None
        channels.put("a", {"number": 3})
        return delivered, await receive(channels)

    assert run(test) == ([{"number": 1}, {"number": 2}], {"number": 3})


def test_each_member_of_a_group_gets_a_message_of_its_own() -> None:
    """A consumer may change it, and what is in it."""

    async def test(channels):
        delivered = []
        for name in ("a", "b"):
            channels.join(GROUP, name)
            channels.open(name).attach(delivered.append)
        await channels.put_to_group(GROUP, {"type": "chat"})
        await channels.put_to_group(GROUP, {"names": ["first"]})
        delivered[0]["type"] = "changed"
        delivered[2]["names"].append("changed")
        return delivered

    assert run(test)[1::2] == [{"type": "chat"}, {"names": ["first"]}]


def test_the_attached_members_of_a_group_share_the_frame_of_a_broadcast() -> None:
    """It is made once."""

    async def test(channels):
        delivered = []
        for name in ("a", "b"):
            channels.join(GROUP, name)
            channels.open(name).attach(delivered.append)
        await channels.put_to_group(GROUP, {"type": BROADCAST, "text": "bid"})
        return delivered

    first, second = run(test)
    assert first is second
    assert first.event == {"type": "websocket.send", "text": "bid"}


def test_a_frame_that_waits_to_be_received_may_be_changed() -> None:
    """Channels' own consumer receives it like any other message."""

    async def test(channels):
        for name in ("a", "b"):
            channels.join(GROUP, name)
        await channels.put_to_group(GROUP, {"type": BROADCAST})
        (await receive(channels))["type"] = "changed"
        return await receive(channels, "b")

    assert run(test) == {"type": BROADCAST}


def test_a_receiver_that_fails_keeps_no_message_from_the_others(caplog) -> None:
    """The failure is logged."""

    def fail(_message):
        raise ValueError("no")

    async def test(channels):
        delivered = []
        for name, deliver in (("a", fail), ("b", delivered.append)):
            channels.join(GROUP, name)
            channels.open(name).attach(deliver)
        await channels.put_to_group(GROUP, {"number": 1})
        return delivered

    assert run(test) == [{"number": 1}]
    assert caplog.messages == ["A receiver of the channel layer failed."]


def test_a_channel_that_is_closed_leaves_its_groups() -> None:
    """The groups that have lost their last member are returned."""

    async def test(channels):
        for group, name in ((b"one", "a"), (b"both", "a"), (b"both", "b")):
            channels.join(group, name)
        closed = channels.close("a")
        return closed, channels.has_members(b"both"), channels.has_members(b"one")

    assert run(test) == ([b"one"], True, False)


def test_a_membership_is_one_however_often_it_is_asked_for() -> None:
    """A channel that joined twice gets each message once, and leaves once."""

    async def test(channels):
        joined = [channels.join(GROUP, "a") for _ in range(2)]
        await channels.put_to_group(GROUP, {"number": 1})
        channels.put("a", {"number": 2})
        received = [await receive(channels) for _ in range(2)]
        return joined, received, [channels.leave(GROUP, "a") for _ in range(2)]

    assert run(test) == ([True, False], [{"number": 1}, {"number": 2}], [True, False])


def test_a_message_to_a_channel_that_has_ended_is_dropped() -> None:
    """Nothing is kept for it."""

    async def test(channels):
        channels.put("ended", {"number": 1})
        return "ended" in channels

    assert run(test) is False


def test_other_tasks_run_between_the_members_of_a_large_group() -> None:
    """One that leaves meanwhile, or ends, gets no message."""

    async def test(channels):
        delivered = []
        for number in range(MEMBERS_AT_ONCE + 3):
            channels.join(GROUP, f"{number}")
            channels.open(f"{number}").attach(lambda _, number=number: delivered.append(number))
        left, ended, last = range(MEMBERS_AT_ONCE, MEMBERS_AT_ONCE + 3)
        putting = asyncio.ensure_future(channels.put_to_group(GROUP, {"type": "chat"}))
        await asyncio.sleep(0)
        before = len(delivered)
        channels.leave(GROUP, f"{left}")
        channels.close(f"{ended}")
        await putting
        return before, delivered == [*range(MEMBERS_AT_ONCE), last]

    assert run(test) == (MEMBERS_AT_ONCE, True)
