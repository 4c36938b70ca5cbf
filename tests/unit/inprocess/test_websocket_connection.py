"""A WebSocket of a replaced generation is closed gracefully."""

import asyncio
import os
import time

import pytest
from inprocess.calling import websocket
from inprocess.connections import Open, Slow, Unpaced, open_socket

from builders import block
from django_tandem.inprocess import blocked_routes, drain_window, websocket_connection
from django_tandem.inprocess.admission import Admission
from django_tandem.inprocess.asgi_connections import AsgiConnections
from django_tandem.inprocess.long_connection import ApplicationCall
from django_tandem.inprocess.open_connections import OpenConnections
from django_tandem.model import ConnectionLimits, DrainMode, DrainRule

pytestmark = pytest.mark.usefixtures("polls")

CLOSE = {"type": "websocket.close", "code": 1012, "reason": "Service restart"}
DISCONNECT = {"type": "websocket.disconnect", "code": 1012, "reason": "Service restart"}


class Consumer:
    """It accepts, records what it receives, and returns on a disconnect."""

    def __init__(self, event=None, *, at_event=None):
        self.received = []
        self.event = event
        self.at_event = at_event

    async def __call__(self, scope, receive, send):
        await receive()
        scope["tandem.drain"].event = self.event
        await send({"type": "websocket.accept"})
        while True:
            message = await receive()
            self.received.append(message)
            if message["type"] == self.event and self.at_event:
                await self.at_event(message, send)
            if message["type"] == "websocket.disconnect":
                await send({"type": "websocket.send", "text": "too late"})
                return


ALL = (DrainRule(prefix="/", mode=DrainMode.WAIT),)
CALLS = (DrainRule(prefix="/ws/calls/", mode=DrainMode.WAIT),)


def drain_of(application, run_dir, rules=()):
    return AsgiConnections(
        application, OpenConnections(run_dir, 7, rules), Admission(ConnectionLimits())
    )


def test_a_drain_closes_it_and_disconnects_its_consumer(tmp_path):
    """The client gets 1012 and reconnects; what the consumer sends afterwards is dropped."""
    consumer = Consumer()

    async def run():
        opened = await open_socket(drain_of(consumer, tmp_path))
        drain_window.write(tmp_path, 7, 0.2)
        await opened.ended()
        return opened.sent[1:]

    assert asyncio.run(run()) == [CLOSE]
    assert consumer.received == [DISCONNECT]


def test_the_event_of_a_blocked_route_has_the_window_of_the_block(tmp_path):
    """Not that of a drain, as none runs."""
    consumer = Consumer("price.leaving")

    async def run():
        opened = await open_socket(drain_of(consumer, tmp_path))
        blocked_routes.write(tmp_path, [block("^/")])
        await opened.ended()
        return opened.sent[-1]["code"]

    assert asyncio.run(run()) == 4001
    assert consumer.received[0] == {"type": "price.leaving", "window_s": 0.2}


def test_it_stays_open_without_a_drain(tmp_path, polls):
    """Another generation's drain does not count, nor one that is withdrawn."""

    async def run():
        opened = await open_socket(drain_of(Consumer(), tmp_path))
        drain_window.write(tmp_path, 6, 0)
        drain_window.write(tmp_path, 7, 3600)
        await polls.until_acted()
        drain_window.FILES.remove(tmp_path, 7)
        await polls.until_acted()
        opened.incoming.put_nowait({"type": "websocket.disconnect", "code": 1000})
        await opened.ended()
        return opened.kinds

    assert asyncio.run(run()) == ["accept", "send"]


def test_many_are_spread_over_the_window(tmp_path):
    """Each slice of the window ends one."""

    async def run():
        drain = drain_of(Consumer(), tmp_path)
        opened = [await open_socket(drain) for _ in range(20)]
        drain_window.write(tmp_path, 7, 1)
        for each in opened:
            await each.ended()
        return [each.sent_at[-1] for each in opened]

    closed = asyncio.run(run())
    assert max(closed) - min(closed) > 0.75
    # In no order that a client could have waited for.
    assert closed != sorted(closed)


def test_one_that_waits_is_left_open_until_the_end_of_the_window(tmp_path):
    """Its consumer gets its event at once, and only once, and may end before that."""
    consumer = Consumer("lot.leaving")

    async def run():
        drain = drain_of(consumer, tmp_path, ALL)
        opened = [await open_socket(drain) for _ in range(3)]
        began = time.monotonic()
        drain_window.write(tmp_path, 7, 1)
        await opened[0].until(lambda: len(consumer.received) == 3)
        announced_s = time.monotonic() - began
        opened[0].incoming.put_nowait({"type": "websocket.disconnect", "code": 1000})
        await opened[0].ended()
        for each in opened[1:]:
            await each.ended()
        return announced_s, opened[0].kinds, [each.sent_at[-1] - began for each in opened[1:]]

    announced_s, kinds, closed_s = asyncio.run(run())
    types = [message["type"] for message in consumer.received]
    assert announced_s < 0.8
    assert kinds == ["accept", "send"]
    assert min(closed_s) > 0.8
    assert types == ["lot.leaving"] * 3 + ["websocket.disconnect"] * 3
    assert 0 < consumer.received[0]["window_s"] <= 1


@pytest.mark.parametrize(
    ("mode", "root", "path", "expected"),
    [
        (None, "", "/ws/calls/", DrainMode.WAIT),
        (None, "/site", "/site/ws/calls/", DrainMode.WAIT),
        (None, "/site/", "/site/ws/calls/", DrainMode.WAIT),
        (None, "", "/ws/lots/", DrainMode.SPREAD),
        (DrainMode.WAIT, "", "/ws/lots/", DrainMode.WAIT),
        (DrainMode.SPREAD, "", "/ws/calls/", DrainMode.SPREAD),
    ],
)
def test_a_drain_may_have_one_mode_for_all_paths(tmp_path, mode, root, path, expected):
    """Otherwise each path has that of the settings, with or without the script name."""

    async def run():
        drain = drain_of(Consumer(), tmp_path, CALLS)
        scope = websocket(path=path, root_path=root)
        opened = Open(drain, scope, {"type": "websocket.connect"})
        await opened.until_sent("accept")
        drain_window.write(tmp_path, 7, 0.1, mode)
        (connection,) = drain.connections._timers
        await opened.until(lambda: drain.connections._window)
        found = drain.connections._mode(connection)
        await opened.ended()
        return found

    assert asyncio.run(run()) is expected


def test_the_drain_is_read_once_for_all_connections(tmp_path, monkeypatch):
    """Thousands of files would block the loop as the drain begins."""
    reads = []
    read = drain_window.read
    monkeypatch.setattr(drain_window, "read", lambda *given: reads.append(1) or read(*given))

    async def run():
        drain = drain_of(Consumer(), tmp_path, ALL)
        opened = [await open_socket(drain) for _ in range(50)]
        drain_window.write(tmp_path, 7, 3600)
        await opened[0].until(lambda: drain.connections._window)
        return len(reads), all(each.drain for each in drain.connections._timers.values())

    count, are_scheduled = asyncio.run(run())

    assert count <= 3
    assert are_scheduled


def test_a_window_that_could_not_be_read_is_read_again(tmp_path, polls):
    """The time of a file does not differ after each write: a kernel's clock ticks every few ms."""
    path = tmp_path / "drain-7"

    async def run():
        opened = await open_socket(drain_of(Consumer(), tmp_path))
        path.write_text("")
        written_at = path.stat().st_mtime_ns
        await polls.until_acted()
        path.write_text("0.1\n")
        # Of the same inode, too.
        os.utime(path, ns=(written_at, written_at))
        await opened.ended()
        return opened.sent[-1]

    assert asyncio.run(run()) == CLOSE


def test_a_shorter_window_replaces_a_longer_one(tmp_path, polls):
    """As when the stack is stopped while a generation drains."""

    async def run():
        opened = await open_socket(drain_of(Consumer(), tmp_path))
        drain_window.write(tmp_path, 7, 3600)
        await polls.until_acted()
        drain_window.write(tmp_path, 7, 0.1)
        await opened.ended()
        return opened.sent[-1]

    assert asyncio.run(run()) == CLOSE


def test_one_that_is_accepted_later_gets_the_rest_of_the_window(tmp_path):
    """It may have waited in the queue of the old socket; there may have been others before."""

    async def run():
        drain = drain_of(Consumer(), tmp_path)
        drain_window.write(tmp_path, 7, 0.2)
        first = await open_socket(drain)
        await first.ended()
        second = await open_socket(drain)
        await second.ended()
        return second.sent[-1]

    assert asyncio.run(run()) == CLOSE


def test_a_handshake_is_not_rejected(tmp_path):
    """A close before the accept is a 403."""
    is_let = asyncio.Event()

    async def project(scope, receive, send):
        if scope["path"] == "/slow":
            await is_let.wait()
        await Consumer()(scope, receive, send)

    async def run():
        drain = drain_of(project, tmp_path)
        slow = Open(drain, websocket(path="/slow"), {"type": "websocket.connect"})
        quick = await open_socket(drain)
        drain_window.write(tmp_path, 7, 0)
        await quick.ended()
        before = list(slow.sent)
        is_let.set()
        await slow.ended()
        return before, slow.kinds

    assert asyncio.run(run()) == ([], ["accept", "close"])


def test_a_client_that_left_before_gets_no_close(tmp_path):
    """Its consumer gets the server's disconnect, once."""
    consumer = Consumer()
    left = {"type": "websocket.disconnect", "code": 1001}

    async def run():
        opened = await open_socket(drain_of(consumer, tmp_path))
        drain_window.write(tmp_path, 7, 0)
        opened.incoming.put_nowait(left)
        await opened.ended()
        return opened.kinds

    assert asyncio.run(run()) == ["accept", "send"]
    assert consumer.received == [left]


def test_a_client_that_leaves_at_the_same_moment_does_no_harm(tmp_path):
    """The server may report it by an exception, and by a disconnect."""
    consumer = Consumer()

    class Leaving(Open):
        async def send(self, message):
            await super().send(message)
            if message["type"] == "websocket.close":
                self.incoming.put_nowait({"type": "websocket.disconnect", "code": 1006})
                raise ConnectionResetError

    async def run():
        opened = await open_socket(drain_of(consumer, tmp_path), connection=Leaving)
        drain_window.write(tmp_path, 7, 0)
        await opened.ended()

    asyncio.run(run())
    assert consumer.received == [DISCONNECT]


def test_a_server_that_cannot_send_while_it_receives_sends_the_close(tmp_path):
    """Granian's socket can do one thing at a time."""

    class OneAtATime(Open):
        def __init__(self, *args):
            self.busy = asyncio.Lock()
            super().__init__(*args)

        async def receive(self):
            async with self.busy:
                return await super().receive()

        async def send(self, message):
            if message["type"] == "websocket.close":
                async with self.busy:
                    await super().send(message)
            else:
                await super().send(message)

    async def run():
        opened = await open_socket(drain_of(Consumer(), tmp_path), connection=OneAtATime)
        drain_window.write(tmp_path, 7, 0)
        await opened.ended()
        return opened.sent[-1]

    assert asyncio.run(run()) == CLOSE


def test_a_consumer_that_does_not_return_is_cancelled(tmp_path):
    """The server's own task is not."""
    ended = []

    async def stubborn(_scope, receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        try:
            while True:
                await receive()
        finally:
            ended.append(True)

    async def run():
        opened = await open_socket(drain_of(stubborn, tmp_path))
        drain_window.write(tmp_path, 7, 0)
        await opened.ended()
        return opened.sent[-1]

    assert asyncio.run(run()) == CLOSE
    assert ended == [True]


def test_a_consumer_that_only_its_client_slows_down_does_not_block_the_loop(tmp_path):
    """After the close it is slowed down still, and cancelled."""
    frame = {"type": "websocket.send", "text": "x"}

    async def run():
        drain = drain_of(Unpaced({"type": "websocket.accept"}, frame), tmp_path)
        opened = await open_socket(drain, connection=Slow)
        drain_window.write(tmp_path, 7, 0)
        await opened.ended()
        return opened.sent[-1]

    assert asyncio.run(run()) == CLOSE


def test_an_accept_after_the_consumer_has_returned_is_forgotten(tmp_path):
    """Otherwise the drain would wait for it, and be polled for, forever."""
    connections = OpenConnections(tmp_path, 7)

    async def run():
        senders = []

        async def consumer(_scope, _receive, send):
            senders.append(send)

        await Open(
            AsgiConnections(consumer, connections, Admission(ConnectionLimits())), websocket()
        ).ended()
        await senders[0]({"type": "websocket.accept"})

    asyncio.run(run())
    assert not connections.is_polling


async def _never():
    await asyncio.sleep(3600)


async def two_receivers(call):
    receivers = [asyncio.ensure_future(call.receive()) for _ in range(2)]
    await asyncio.sleep(0)
    return receivers


def test_one_of_two_receivers_can_be_cancelled():
    """Its canceller waits for it, as a disconnect listener's does."""

    async def run():
        first, second = await two_receivers(ApplicationCall(_never))
        first.cancel()
        await asyncio.wait([first], timeout=5)
        second.cancel()
        return first.cancelled()

    assert asyncio.run(run())


@pytest.mark.parametrize("is_muted", [False, True])
def test_each_of_two_receivers_gets_a_message_of_ours(is_muted):
    """Whether or not the server is muted meanwhile."""

    async def run():
        call = ApplicationCall(_never)
        if is_muted:
            call.ignore_server()
        receivers = await two_receivers(call)
        for text in ("one", "two"):
            call.inject({"type": "websocket.receive", "text": text})
        done, pending = await asyncio.wait(receivers, timeout=5)
        for each in pending:
            each.cancel()
        return sorted(each.result()["text"] for each in done)

    assert asyncio.run(run()) == ["one", "two"]


def test_a_cancellation_by_the_server_is_not_swallowed(tmp_path):
    """Only our own cancellation is."""

    async def run():
        opened = await open_socket(drain_of(Consumer(), tmp_path))
        opened.task.cancel()
        await opened.ended()

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(run())


def test_a_consumer_may_have_a_last_event(tmp_path):
    """What it sends then is still delivered; the close follows as soon as it has finished."""

    async def say(message, send):
        await asyncio.sleep(0.05)
        await send({"type": "websocket.send", "text": f"within {message['window_s']}"})

    consumer = Consumer("lot.leaving", at_event=say)

    async def run():
        opened = await open_socket(drain_of(consumer, tmp_path))
        drain_window.write(tmp_path, 7, 0.5)
        await opened.ended()
        return opened.sent[1:]

    assert asyncio.run(run()) == [{"type": "websocket.send", "text": "within 0.5"}, CLOSE]
    assert consumer.received == [{"type": "lot.leaving", "window_s": 0.5}, DISCONNECT]


def test_a_last_event_has_a_time_limit(tmp_path, monkeypatch):
    """The client gets its close all the same."""
    monkeypatch.setattr(websocket_connection, "LAST_EVENT_S", 0.05)

    async def hang(_message, _send):
        await asyncio.sleep(3600)

    async def run():
        opened = await open_socket(drain_of(Consumer("leaving", at_event=hang), tmp_path))
        drain_window.write(tmp_path, 7, 0)
        await opened.ended()
        return opened.sent[1:]

    assert asyncio.run(run()) == [CLOSE]


def test_a_last_event_that_fails_is_the_projects_failure(tmp_path):
    """The client gets its close first."""

    async def fail(_message, _send):
        raise ValueError("a bug")

    async def run():
        opened = await open_socket(drain_of(Consumer("leaving", at_event=fail), tmp_path))
        drain_window.write(tmp_path, 7, 0)
        with pytest.raises(ValueError, match="a bug"):
            await opened.ended()
        return opened.sent[1:]

    assert asyncio.run(run()) == [CLOSE]


def test_a_consumer_may_close_with_its_own_code(tmp_path):
    """There is no second close, and the server's disconnect follows."""
    own = {"type": "websocket.close", "code": 4001}

    async def close(_message, send):
        await send(own)

    class Answering(Open):
        async def send(self, message):
            await super().send(message)
            if message["type"] == "websocket.close":
                self.incoming.put_nowait({"type": "websocket.disconnect", "code": 4001})

    consumer = Consumer("leaving", at_event=close)

    async def run():
        opened = await open_socket(drain_of(consumer, tmp_path), connection=Answering)
        drain_window.write(tmp_path, 7, 0)
        await opened.ended()
        return opened.kinds

    assert asyncio.run(run()) == ["accept", "close", "send"]
    assert [message["type"] for message in consumer.received] == ["leaving", "websocket.disconnect"]


def test_a_misspelt_attribute_is_an_error(tmp_path):
    """Otherwise it would go unnoticed."""

    async def misspelt(scope, _receive, _send):
        scope["tandem.drain"].evnt = "leaving"

    async def run():
        await Open(drain_of(misspelt, tmp_path), websocket()).ended()

    with pytest.raises(AttributeError, match="evnt"):
        asyncio.run(run())


def test_nothing_polls_without_a_connection(tmp_path):
    """An idle process does nothing."""
    connections = OpenConnections(tmp_path, 7)

    async def run():
        opened = await open_socket(
            AsgiConnections(Consumer(), connections, Admission(ConnectionLimits()))
        )
        was_polling = connections.is_polling
        opened.incoming.put_nowait({"type": "websocket.disconnect", "code": 1000})
        await opened.ended()
        await opened.until(lambda: not connections.is_polling)
        return was_polling

    assert asyncio.run(run())
