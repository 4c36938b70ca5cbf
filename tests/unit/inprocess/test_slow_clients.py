"""A WebSocket whose client does not read is closed with 1013, and no other one waits for it."""

import asyncio

import pytest
from channels.generic.websocket import AsyncWebsocketConsumer, WebsocketConsumer
from channels.layers import channel_layers
from inprocess import stock_consumers
from inprocess.connections import Open, open_socket
from inprocess.test_consumers import DeliveringLayer

from django_tandem.channels import BroadcastMixin, mailbox
from django_tandem.channels.frame import BROADCAST, Frame
from django_tandem.channels.mailbox import MailboxCounts
from django_tandem.inprocess import consumers, drain_window, long_connection, open_connections
from django_tandem.inprocess.admission import Admission
from django_tandem.inprocess.asgi_connections import AsgiConnections
from django_tandem.inprocess.open_connections import OpenConnections
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
    stock_consumers.restore()
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
    connections = OpenConnections(run_dir, 7)
    return AsgiConnections(consumer.as_asgi(), connections, Admission(ConnectionLimits()))


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
    monkeypatch.setattr(long_connection, "UNREAD_S", 0.05)

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


def test_a_slow_handler_is_not_cancelled_outside_a_drain(tmp_path, monkeypatch):
    """It may be in the middle of a query, however long that takes."""
    monkeypatch.setattr(open_connections, "CLEAN_UP_S", 0)

    async def run():
        opened = await closed_while_busy(drain_of(Held, tmp_path))
        # A timer that was due has its turn.
        for _ in range(3):
            await asyncio.sleep(0.01)
        Held.released.set()
        await opened.ended()
        return opened

    opened = asyncio.run(run())

    assert (opened.sent[-1], Held.left) == (CLOSE, [1013])


def test_a_slow_handler_is_cancelled_in_a_drain(tmp_path, monkeypatch):
    """The process ends, so that its time is bounded."""
    monkeypatch.setattr(open_connections, "CLEAN_UP_S", 0)
    monkeypatch.setattr(open_connections, "POLL_S", 0.01)

    async def run():
        application = drain_of(Held, tmp_path)
        opened = await closed_while_busy(application)
        application.connections.drain(0.0)
        await opened.ended()

    asyncio.run(run())

    assert Held.left == []


def test_a_slow_handler_is_not_cancelled_after_a_drain_that_was_called_off(tmp_path, polls):
    """The process does not end, so that nothing bounds its time."""

    async def run():
        opened = await closed_while_busy(drain_of(Held, tmp_path))
        drain_window.write(tmp_path, 7, 3600)
        await polls.until_acted()
        drain_window.FILES.remove(tmp_path, 7)
        await polls.until_acted()
        # A timer of the clean-up would be due.
        await asyncio.sleep(2 * open_connections.CLEAN_UP_S)
        Held.released.set()
        await opened.ended()

    asyncio.run(run())

    assert Held.left == [1013]


class Held(Member):
    """Its handler is busy with its first message until it is released."""

    released = None

    async def note(self, event):
        await type(self).released.wait()


async def closed_while_busy(application):
    """Return a WebSocket that was closed as unread while its handler was busy."""
    Held.released = asyncio.Event()
    opened = await open_socket(application)
    for number in range(BOUND + 5):
        await tell(number)
    await opened.until_sent("close")
    return opened


def test_a_handler_that_never_stops_sending_is_cancelled(tmp_path, monkeypatch):
    """Its consumer would not get the disconnect."""
    monkeypatch.setattr(long_connection, "UNREAD_S", 0.05)

    class Unending(Member):
        async def note(self, event):
            while True:
                await self.send(text_data="more")

    async def run():
        opened = await open_socket(drain_of(Unending, tmp_path), connection=Unread)
        for number in range(BOUND + 5):
            await tell(number)
        await opened.ended()

    asyncio.run(run())

    assert Unending.left == [1013]


def test_a_handler_is_not_cancelled_for_a_task_that_waits_for_the_client(tmp_path):
    """The task continues, and what it sends is dropped."""
    finished = []

    class Pushing(Member):
        async def connect(self):
            await self.accept()
            self.pushing = asyncio.create_task(self.push())

        async def push(self):
            await self.send(text_data="unread")
            await self.send(text_data="dropped")
            finished.append("pushed")

        async def note(self, event):
            await Held.released.wait()
            finished.append(asyncio.current_task().cancelling())

    async def run():
        Held.released = asyncio.Event()
        opened = await open_socket(drain_of(Pushing, tmp_path), connection=Unread)
        for number in range(BOUND + 5):
            await tell(number)
        opened.readable.set()
        await opened.until(lambda: finished == ["pushed"])
        Held.released.set()
        await opened.ended()
        return opened.kinds

    assert asyncio.run(run()) == ["accept", "close"]
    assert (Pushing.left, finished) == ([1013], ["pushed", 0])


def test_a_handler_that_waits_for_its_own_task_continues(tmp_path, monkeypatch):
    """What its task sends is dropped, so that neither waits for the client."""
    monkeypatch.setattr(long_connection, "UNREAD_S", 0.05)

    class Gathering(Member):
        async def note(self, event):
            await asyncio.gather(self.send(text_data="a"), self.send(text_data="b"))

    async def run():
        opened = await open_socket(drain_of(Gathering, tmp_path), connection=Unread)
        for number in range(BOUND + 5):
            await tell(number)
        await opened.ended()
        return opened.kinds

    assert asyncio.run(run()) == ["accept"]
    assert Gathering.left == [1013]


def test_a_broadcast_that_no_task_waits_for_is_abandoned(tmp_path, monkeypatch):
    """Where the mailbox fills before the consumer runs again."""
    monkeypatch.setattr(long_connection, "UNREAD_S", 0.05)

    class Broadcasting(BroadcastMixin, Member):
        pass

    async def run():
        opened = await open_socket(drain_of(Broadcasting, tmp_path), connection=Unread)
        layer = channel_layers["default"]
        await opened.until(lambda: layer.groups.get("all"))
        await tell(0)
        # The consumer waits again for its next message.
        opened.readable.set()
        await opened.until(lambda: opened.kinds == ["accept", "send"])
        opened.readable.clear()
        await asyncio.sleep(0.001)
        (deliver,) = layer.delivering.values()
        deliver(Frame({"type": BROADCAST, "text": "unread"}))
        for number in range(BOUND + 1):
            deliver({"type": "note", "number": number})
        await opened.ended()
        return opened.kinds

    assert asyncio.run(run()) == ["accept", "send"]
    assert Broadcasting.left == [1013]


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
