"""The queue of a consumer: its order, its bound, and the frames that are written at once."""

import asyncio
from collections import deque

import pytest

from django_tandem.channels import mailbox
from django_tandem.channels.frame import Frame
from django_tandem.channels.mailbox import Mailbox, MailboxCounts
from django_tandem.model.connections import MailboxLimits, SlowClient


@pytest.fixture(autouse=True)
def counts(monkeypatch):
    counts = MailboxCounts()
    monkeypatch.setattr(mailbox, "COUNTS", counts)
    return counts


class Closing(Mailbox):
    """Its socket can be closed."""

    __slots__ = ("closed",)

    def close_slow_client(self):
        self.closed = getattr(self, "closed", 0) + 1
        return True


def of(bound, policy=SlowClient.DROP_OLDEST, cls=Mailbox, writer=None):
    return cls(MailboxLimits(messages=bound, slow_client=policy), writer)


def messages(box):
    found = []
    while box:
        found.append(box.take())
    return found


def frame(text):
    return Frame({"type": "tandem.broadcast", "text": text})


def test_messages_are_taken_in_the_order_of_their_delivery():
    """Whether the consumer has waited or not."""

    async def run():
        box = of(10)
        asyncio.get_running_loop().call_soon(box.deliver, {"type": "a"})
        await box.wait()
        box.deliver({"type": "b"})
        return messages(box), bool(box)

    assert asyncio.run(run()) == ([{"type": "a"}, {"type": "b"}], False)


def test_a_full_mailbox_drops_its_oldest_message(counts, monkeypatch):
    """With drop_oldest, and where there is no socket that could be closed."""
    monkeypatch.setattr(mailbox, "BURST_S", 0)
    boxes = [of(2), of(2, SlowClient.CLOSE)]
    for box in boxes:
        for number in range(5):
            box.deliver({"type": "n", "number": number})

    assert [[each["number"] for each in messages(box)] for box in boxes] == [[3, 4], [3, 4]]
    assert counts.details() == {"longest": 2, "dropped": 6, "closed": 0}


def test_a_full_mailbox_keeps_the_latest_of_each_type(counts):
    """In the order in which these came; with latest."""
    box = of(3, SlowClient.LATEST)
    for number, kind in enumerate("aabc"):
        box.deliver({"type": kind, "number": number})

    assert [(each["type"], each["number"]) for each in messages(box)] == [
        ("a", 1),
        ("b", 2),
        ("c", 3),
    ]
    assert counts.dropped == 1


def test_the_bound_holds_for_more_types_than_it_has_room_for():
    """The latest of each is then one too many."""
    box = of(2, SlowClient.LATEST)
    for kind in "abcd":
        box.deliver({"type": kind})

    assert [each["type"] for each in messages(box)] == ["c", "d"]


def test_a_full_mailbox_closes_its_socket_once(counts, monkeypatch):
    """And keeps nothing more."""
    monkeypatch.setattr(mailbox, "BURST_S", 0)
    box = of(2, SlowClient.CLOSE, Closing)
    for _ in range(5):
        box.deliver({"type": "n"})

    assert (messages(box), box.closed) == ([], 1)
    assert counts.details() == {"longest": 2, "dropped": 0, "closed": 1}


def test_a_burst_closes_no_socket(counts):
    """Many messages may be delivered before the consumer runs, whose client reads."""
    box = of(2, SlowClient.CLOSE, Closing)
    for _ in range(5):
        box.deliver({"type": "n"})

    assert len(messages(box)) == 5
    assert counts.closed == 0


def test_a_burst_closes_no_socket_that_always_has_a_message_waiting(counts, monkeypatch):
    """What counts is how long its messages wait, not since when there is one."""
    now = 0.0
    monkeypatch.setattr(mailbox, "monotonic", lambda: now)
    box = of(3, SlowClient.CLOSE, Closing)
    box.deliver({"type": "n"})
    for _ in range(10):
        now += 0.1
        box.deliver({"type": "n"})
        box.take()
    for _ in range(5):
        box.deliver({"type": "n"})

    assert len(messages(box)) == 6
    assert counts.closed == 0


def test_a_client_that_reads_too_slowly_is_closed(counts, monkeypatch):
    """However evenly it reads."""
    now = 0.0
    monkeypatch.setattr(mailbox, "monotonic", lambda: now)
    box = of(3, SlowClient.CLOSE, Closing)
    for number in range(10):
        now += 0.1
        box.deliver({"type": "n"})
        if box and number % 2:
            box.take()

    assert counts.closed == 1


def test_an_error_of_the_layer_is_raised_in_its_turn():
    """After the messages that were delivered before."""

    async def run():
        box = of(10)
        box.deliver({"type": "a"})
        box.fail(ValueError("undecodable"))
        first = box.take()
        with pytest.raises(ValueError, match="undecodable"):
            box.take()
        return first

    assert asyncio.run(run()) == {"type": "a"}


def test_a_handler_can_receive_the_next_message():
    """As by Channels' own channel_receive, also while the consumer itself waits."""

    async def run():
        box = of(10)
        waiting = asyncio.ensure_future(box.wait())
        received = asyncio.ensure_future(box.receive())
        await asyncio.sleep(0)
        box.deliver({"type": "a"})
        await waiting
        return await received

    assert asyncio.run(run()) == {"type": "a"}


class Socket:
    """It sends at once, unless its client does not read."""

    def __init__(self):
        self.sent = []
        self.error = None
        self.readable = asyncio.Event()
        self.readable.set()

    async def send(self, event):
        await self.readable.wait()
        if self.error:
            raise self.error
        self.sent.append(event)


def test_a_frame_is_written_at_once_while_the_consumer_waits():
    """Its task does not run for it."""

    async def run():
        socket = Socket()
        box = of(10, writer=socket.send)
        waiting = asyncio.ensure_future(box.wait())
        await asyncio.sleep(0)
        box.deliver(frame("a"))
        sent = list(socket.sent)
        waiting.cancel()
        return sent, bool(box), box.is_writing

    assert asyncio.run(run()) == ([{"type": "websocket.send", "text": "a"}], False, False)


def test_a_frame_waits_while_the_consumer_does_not():
    """As any other message, of which the consumer gets its own copy."""

    async def run():
        socket = Socket()
        box = of(10, writer=socket.send)
        shared = frame("a")
        box.deliver(shared)
        taken = box.take()
        return socket.sent, taken, taken is shared.message

    assert asyncio.run(run()) == ([], {"type": "tandem.broadcast", "text": "a"}, False)


def test_a_write_that_is_suspended_is_finished_by_the_consumer_before_the_next_message():
    """So that the order on the socket holds."""

    async def run():
        socket = Socket()
        socket.readable.clear()
        box = of(10, writer=socket.send)

        async def consume():
            await box.wait()
            await box.finish_write()
            while box:
                await socket.send(box.take())

        consumer = asyncio.ensure_future(consume())
        await asyncio.sleep(0)
        box.deliver(frame("a"))
        box.deliver(frame("b"))
        await asyncio.sleep(0)
        before = list(socket.sent)
        socket.readable.set()
        await consumer
        return before, [each["text"] for each in socket.sent]

    assert asyncio.run(run()) == ([], ["a", "b"])


def test_an_error_of_a_write_is_raised_in_the_consumer():
    """As where the consumer sends itself."""

    async def run():
        socket = Socket()
        socket.error = RuntimeError("closed")
        box = of(10, writer=socket.send)
        waiting = asyncio.ensure_future(box.wait())
        await asyncio.sleep(0)
        box.deliver(frame("a"))
        await waiting
        with pytest.raises(RuntimeError, match="closed"):
            box.take()

    asyncio.run(run())


def test_a_suspended_write_gets_the_cancellation_of_its_consumer():
    """It may be the server's, which then writes nothing."""

    async def run():
        socket = Socket()
        socket.readable.clear()
        box = of(10, writer=socket.send)

        async def consume():
            await box.wait()
            await box.finish_write()

        consumer = asyncio.ensure_future(consume())
        await asyncio.sleep(0)
        box.deliver(frame("a"))
        await asyncio.sleep(0)
        consumer.cancel()
        with pytest.raises(asyncio.CancelledError):
            await consumer
        return socket.sent

    assert asyncio.run(run()) == []


def test_nothing_is_kept_after_the_end():
    """A layer may deliver until it is detached."""
    box = of(10)
    box.deliver({"type": "a"})
    box.close()
    box.deliver({"type": "b"})
    box.fail(ValueError())

    assert not box


def test_the_longest_mailbox_is_that_of_the_last_ten_seconds():
    """So that a single moment is seen by whoever looks less often."""
    clock = iter((0.5, 0.5, 1.5, 1.5, 10.2, 30.0))
    counts = MailboxCounts(clock=lambda: next(clock))
    counts.note_length(7)
    seen = [counts.details()["longest"]]
    counts.note_length(3)
    seen += [counts.details()["longest"] for _ in range(3)]

    assert seen == [7, 7, 3, 0]


def test_an_idle_mailbox_holds_no_queue():
    """Most sockets are idle, and a deque takes 600 bytes."""
    box = of(10)
    box.deliver({"type": "a"})
    box.take()

    assert box._messages is mailbox._NOTHING
    assert isinstance(mailbox._NOTHING, deque)
