"""A WebSocket whose client does not read is closed with 1013, and no other one waits for it."""

import asyncio

import pytest
from channels.generic.websocket import AsyncWebsocketConsumer, WebsocketConsumer
from channels.layers import channel_layers
from inprocess.connections import Open, open_socket
from inprocess.test_consumers import DeliveringLayer

from django_tandem.channels import mailbox
from django_tandem.channels.mailbox import MailboxCounts
from django_tandem.inprocess import consumers, drainable
from django_tandem.inprocess.admission import Admission
from django_tandem.inprocess.drain_monitor import DrainMonitor
from django_tandem.inprocess.drainable import Drain
from django_tandem.model import ConnectionLimits

CLOSE = {"type": "websocket.close", "code": 1013, "reason": "Try again later"}
BOUND = 5


@pytest.fixture(autouse=True)
def counts(monkeypatch):
    """Mailboxes with a small bound, which a burst may not exceed."""
    counts = MailboxCounts()
    monkeypatch.setattr(mailbox, "COUNTS", counts)
    monkeypatch.setattr(mailbox, "BURST_S", 0)
    before = channel_layers.set("default", DeliveringLayer())
    consumers.install()
    yield counts
    consumers.uninstall()
    channel_layers.set("default", before)


class Unread(Open):
    """Its client does not read what is sent after the accept, until it is readable."""

    def __init__(self, *args):
        self.readable = asyncio.Event()
        super().__init__(*args)

    async def send(self, message):
        if message["type"] != "websocket.accept":
            await self.readable.wait()
        await super().send(message)


class Member(AsyncWebsocketConsumer):
    tandem_mailbox = BOUND
    groups = ("all",)
    left = None

    async def note(self, event):
        await self.send(text_data=str(event["number"]))

    async def disconnect(self, code):
        type(self).left.append(code)


class SyncMember(WebsocketConsumer):
    tandem_mailbox = BOUND
    groups = ("all",)
    left = None

    def note(self, event):
        self.send(text_data=str(event["number"]))

    def disconnect(self, code):
        type(self).left.append(code)


def drain_of(consumer, run_dir):
    consumer.left = []
    monitor = DrainMonitor(run_dir, 7)
    return Drain(consumer.as_asgi(), monitor, Admission(ConnectionLimits()))


async def tell(number):
    await channel_layers["default"].group_send("all", {"type": "note", "number": number})
    # The handlers have their turn.
    await asyncio.sleep(0.001)


@pytest.mark.parametrize("consumer", [Member, SyncMember])
def test_a_client_that_does_not_read_is_closed_with_1013(tmp_path, counts, consumer):
    """Its consumer is disconnected, and leaves its groups."""

    async def run():
        opened = await open_socket(drain_of(consumer, tmp_path), connection=Unread)
        for number in range(BOUND + 5):
            await tell(number)
        opened.readable.set()
        await opened.ended()
        return opened.sent[-1], channel_layers["default"].groups

    assert asyncio.run(run()) == (CLOSE, {})
    assert consumer.left == [1013]
    assert counts.details() == {"longest": BOUND, "dropped": 0, "closed": 1}


def test_a_client_that_reads_nothing_at_all_is_given_up(tmp_path, monkeypatch):
    """After a moment in which it could read the close."""
    monkeypatch.setattr(drainable, "UNREAD_S", 0.05)

    async def run():
        opened = await open_socket(drain_of(Member, tmp_path), connection=Unread)
        for number in range(BOUND + 5):
            await tell(number)
        await opened.ended()
        return opened.kinds

    assert asyncio.run(run()) == ["accept"]
    assert Member.left == [1013]


def test_other_members_of_the_group_get_each_message(tmp_path):
    """While the slow one holds its own mailbox."""

    async def run():
        application = drain_of(Member, tmp_path)
        slow = await open_socket(application, connection=Unread)
        other = await open_socket(application)
        for number in range(BOUND + 5):
            await tell(number)
            await other.until(lambda number=number: len(other.sent) == number + 2)
        found = [each["text"] for each in other.sent[1:]]
        for each in (slow, other):
            each.incoming.put_nowait({"type": "websocket.disconnect", "code": 1000})
        slow.readable.set()
        await slow.ended()
        await other.ended()
        return found

    assert asyncio.run(run()) == [str(number) for number in range(BOUND + 5)]


def test_a_handler_that_is_slow_by_itself_finishes_before_the_disconnect(tmp_path):
    """Only one that waits for its client is cancelled."""
    finished = []

    class Busy(Member):
        async def note(self, event):
            try:
                await asyncio.sleep(0.05)
            finally:
                finished.append(asyncio.current_task().cancelling())

    async def run():
        opened = await open_socket(drain_of(Busy, tmp_path))
        for number in range(BOUND + 5):
            await tell(number)
        await opened.ended()
        return opened.sent[-1]

    assert asyncio.run(run()) == CLOSE
    assert (Busy.left, finished) == ([1013], [0])


def test_a_cancellation_of_somebody_else_is_not_taken_for_ours(tmp_path):
    """The consumer ends, as the drain wants it."""

    async def run():
        opened = await open_socket(drain_of(Member, tmp_path), connection=Unread)
        for number in range(BOUND):
            await tell(number)
        layer = channel_layers["default"]
        await layer.group_send("all", {"type": "note", "number": BOUND})
        await layer.group_send("all", {"type": "note", "number": BOUND + 1})
        opened.task.cancel()
        opened.readable.set()
        with pytest.raises(asyncio.CancelledError):
            await opened.ended()

    asyncio.run(run())

    assert Member.left == []
