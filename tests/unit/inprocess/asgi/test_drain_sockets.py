"""A WebSocket of a generation that is replaced is closed in good manners."""

import asyncio

import pytest
from inprocess.asgi.calling import websocket
from inprocess.asgi.open import Open, open_socket

from django_tandem.inprocess import draining
from django_tandem.inprocess.asgi import held_socket
from django_tandem.inprocess.asgi.drain import Drain
from django_tandem.inprocess.asgi.watch import Watch

pytestmark = pytest.mark.usefixtures("looks")

CLOSE = {"type": "websocket.close", "code": 1012, "reason": "Service restart"}
DISCONNECT = {"type": "websocket.disconnect", "code": 1012, "reason": "Service restart"}


class Consumer:
    """It accepts, notes what it receives, and returns when it is told that it is over."""

    def __init__(self, event=None, *, at_event=None):
        self.heard = []
        self.event = event
        self.at_event = at_event

    async def __call__(self, scope, receive, send):
        await receive()
        scope["tandem.drain"].event = self.event
        await send({"type": "websocket.accept"})
        while True:
            message = await receive()
            self.heard.append(message)
            if message["type"] == self.event and self.at_event:
                await self.at_event(message, send)
            if message["type"] == "websocket.disconnect":
                await send({"type": "websocket.send", "text": "too late"})
                return


def drain_of(application, run_dir):
    return Drain(application, Watch(run_dir, 7))


def test_it_is_closed_by_us_and_its_consumer_told(tmp_path):
    """The client learns that it may come again; what the consumer says then goes nowhere."""
    consumer = Consumer()

    async def run():
        opened = await open_socket(drain_of(consumer, tmp_path))
        draining.announce(tmp_path, 7, 0.2)
        await opened.ended()
        return opened.sent[1:]

    assert asyncio.run(run()) == [CLOSE]
    assert consumer.heard == [DISCONNECT]


def test_without_a_word_it_stays_open(tmp_path, looks):
    """The word to another generation is none, and a word that is taken back is none either."""

    async def run():
        opened = await open_socket(drain_of(Consumer(), tmp_path))
        draining.announce(tmp_path, 6, 0)
        draining.announce(tmp_path, 7, 3600)
        await looks.some_more()
        draining.forget(tmp_path, 7)
        await looks.some_more()
        opened.said.put_nowait({"type": "websocket.disconnect", "code": 1000})
        await opened.ended()
        return opened.kinds

    assert asyncio.run(run()) == ["accept", "send"]


def test_many_are_spread_over_the_window(tmp_path):
    """Each slice of the window has its own."""

    async def run():
        drain = drain_of(Consumer(), tmp_path)
        opened = [await open_socket(drain) for _ in range(20)]
        draining.announce(tmp_path, 7, 1)
        for each in opened:
            await each.ended()
        return [each.sent_at[-1] for each in opened]

    closed = asyncio.run(run())
    assert max(closed) - min(closed) > 0.75
    # In no order that a client could have waited for.
    assert closed != sorted(closed)


def test_a_shorter_word_hurries(tmp_path, looks):
    """As when the stack is ended while a generation drains."""

    async def run():
        opened = await open_socket(drain_of(Consumer(), tmp_path))
        draining.announce(tmp_path, 7, 3600)
        await looks.some_more()
        draining.announce(tmp_path, 7, 0.1)
        await opened.ended()
        return opened.sent[-1]

    assert asyncio.run(run()) == CLOSE


def test_one_that_is_accepted_later_has_what_is_left(tmp_path):
    """It may have waited in the queue of the old socket; there may have been others before."""

    async def run():
        drain = drain_of(Consumer(), tmp_path)
        draining.announce(tmp_path, 7, 0.2)
        first = await open_socket(drain)
        await first.ended()
        second = await open_socket(drain)
        await second.ended()
        return second.sent[-1]

    assert asyncio.run(run()) == CLOSE


def test_a_handshake_is_not_refused(tmp_path):
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
        draining.announce(tmp_path, 7, 0)
        await quick.ended()
        before = list(slow.sent)
        is_let.set()
        await slow.ended()
        return before, slow.kinds

    assert asyncio.run(run()) == ([], ["accept", "close"])


def test_a_client_that_left_before_is_not_told(tmp_path):
    """Its consumer hears what the server says, once."""
    consumer = Consumer()
    gone = {"type": "websocket.disconnect", "code": 1001}

    async def run():
        opened = await open_socket(drain_of(consumer, tmp_path))
        draining.announce(tmp_path, 7, 0)
        opened.said.put_nowait(gone)
        await opened.ended()
        return opened.kinds

    assert asyncio.run(run()) == ["accept", "send"]
    assert consumer.heard == [gone]


def test_a_client_that_leaves_at_the_same_moment_does_no_harm(tmp_path):
    """The server may say so by an exception, and by a message of its own."""
    consumer = Consumer()

    class Leaving(Open):
        async def send(self, message):
            await super().send(message)
            if message["type"] == "websocket.close":
                self.said.put_nowait({"type": "websocket.disconnect", "code": 1006})
                raise ConnectionResetError

    async def run():
        opened = await open_socket(drain_of(consumer, tmp_path), connection=Leaving)
        draining.announce(tmp_path, 7, 0)
        await opened.ended()

    asyncio.run(run())
    assert consumer.heard == [DISCONNECT]


def test_a_server_that_sends_no_close_while_it_is_asked_sends_it(tmp_path):
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
        draining.announce(tmp_path, 7, 0)
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
        draining.announce(tmp_path, 7, 0)
        await opened.ended()
        return opened.sent[-1]

    assert asyncio.run(run()) == CLOSE
    assert ended == [True]


def test_a_server_that_cancels_is_heard(tmp_path):
    """Its cancellation is not ours to swallow."""

    async def run():
        opened = await open_socket(drain_of(Consumer(), tmp_path))
        opened.task.cancel()
        await opened.ended()

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(run())


def test_a_consumer_may_have_a_last_event(tmp_path):
    """What it sends then still goes out; the close follows as soon as it has done."""

    async def say(message, send):
        await asyncio.sleep(0.05)
        await send({"type": "websocket.send", "text": f"within {message['window_s']}"})

    consumer = Consumer("lot.leaving", at_event=say)

    async def run():
        opened = await open_socket(drain_of(consumer, tmp_path))
        draining.announce(tmp_path, 7, 0.5)
        await opened.ended()
        return opened.sent[1:]

    assert asyncio.run(run()) == [{"type": "websocket.send", "text": "within 0.5"}, CLOSE]
    assert consumer.heard == [{"type": "lot.leaving", "window_s": 0.5}, DISCONNECT]


def test_a_last_event_is_not_waited_for_without_end(tmp_path, monkeypatch):
    """The client is told all the same."""
    monkeypatch.setattr(held_socket, "EVENT_S", 0.05)

    async def hang(_message, _send):
        await asyncio.sleep(3600)

    async def run():
        opened = await open_socket(drain_of(Consumer("leaving", at_event=hang), tmp_path))
        draining.announce(tmp_path, 7, 0)
        await opened.ended()
        return opened.sent[1:]

    assert asyncio.run(run()) == [CLOSE]


def test_a_last_event_that_fails_is_the_projects_failure(tmp_path):
    """The client is told first."""

    async def fail(_message, _send):
        raise ValueError("a bug")

    async def run():
        opened = await open_socket(drain_of(Consumer("leaving", at_event=fail), tmp_path))
        draining.announce(tmp_path, 7, 0)
        with pytest.raises(ValueError, match="a bug"):
            await opened.ended()
        return opened.sent[1:]

    assert asyncio.run(run()) == [CLOSE]


def test_a_consumer_may_close_in_its_own_words(tmp_path):
    """There is no second close, and the server tells it what follows."""
    own = {"type": "websocket.close", "code": 4001}

    async def close(_message, send):
        await send(own)

    class Answering(Open):
        async def send(self, message):
            await super().send(message)
            if message["type"] == "websocket.close":
                self.said.put_nowait({"type": "websocket.disconnect", "code": 4001})

    consumer = Consumer("leaving", at_event=close)

    async def run():
        opened = await open_socket(drain_of(consumer, tmp_path), connection=Answering)
        draining.announce(tmp_path, 7, 0)
        await opened.ended()
        return opened.kinds

    assert asyncio.run(run()) == ["accept", "close", "send"]
    assert [message["type"] for message in consumer.heard] == ["leaving", "websocket.disconnect"]


def test_a_misspelt_wish_is_an_error(tmp_path):
    """Nobody would notice it otherwise."""

    async def misspelt(scope, _receive, _send):
        scope["tandem.drain"].evnt = "leaving"

    async def run():
        await Open(drain_of(misspelt, tmp_path), websocket()).ended()

    with pytest.raises(AttributeError, match="evnt"):
        asyncio.run(run())


def test_nobody_looks_when_nothing_is_held(tmp_path):
    """An idle process has nothing to do."""
    watch = Watch(tmp_path, 7)

    async def run():
        opened = await open_socket(Drain(Consumer(), watch))
        was_looking = watch.is_looking
        opened.said.put_nowait({"type": "websocket.disconnect", "code": 1000})
        await opened.ended()
        await opened.until(lambda: not watch.is_looking)
        return was_looking

    assert asyncio.run(run())
