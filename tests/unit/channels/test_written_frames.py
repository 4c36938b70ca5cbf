"""A broadcast is written to a WebSocket that waits, and keeps its place on it."""

import asyncio
from contextvars import ContextVar

import oracle.configured  # noqa: F401 - to import it is to configure Django
import pytest
from channels.generic.websocket import AsyncWebsocketConsumer, WebsocketConsumer
from channels.layers import channel_layers
from inprocess import stock_consumers
from servers.project.broadcasting import SharedLayer

from django_tandem.channels import BroadcastMixin, broadcast
from django_tandem.inprocess import consumers

VISITOR: ContextVar[str] = ContextVar("visitor", default="")


@pytest.fixture(autouse=True)
def _layer():
    before = channel_layers.set("default", SharedLayer())
    consumers.install()
    yield
    stock_consumers.restore()
    channel_layers.set("default", before)


class Socket:
    """A WebSocket as a server has it: what the consumer has sent, and room for it or none."""

    def __init__(self, consumer):
        self.consumer = consumer
        self.events = asyncio.Queue()
        self.sent = []
        # Like Uvicorn's: cleared while the client does not read.
        self.writable = asyncio.Event()
        self.writable.set()
        self.error = None
        self.senders = []
        self.visitors = []

    async def send(self, event):
        # As the drain's: one at a time, in the order of the calls.
        await self.writable.wait()
        if self.error is not None:
            raise self.error
        self.senders.append(asyncio.current_task())
        self.visitors.append(VISITOR.get())
        self.sent.append(event)

    async def __aenter__(self):
        application = self.consumer.as_asgi()
        self.events.put_nowait({"type": "websocket.connect"})
        scope = {"type": "websocket", "path": "/"}
        self.task = asyncio.create_task(application(scope, self.events.get, self.send))
        await self.until(lambda: self.sent)
        await self.settle()
        return self

    async def __aexit__(self, *_):
        self.events.put_nowait({"type": "websocket.disconnect", "code": 1000})
        await asyncio.wait_for(asyncio.wait({self.task}), 5)

    async def until(self, holds):
        async with asyncio.timeout(5):
            while not holds():
                await asyncio.sleep(0)

    async def settle(self):
        """Let every task run until it waits for an event."""
        for _ in range(10):
            await asyncio.sleep(0)

    @property
    def texts(self):
        return [event["text"] for event in self.sent if event["type"] == "websocket.send"]


class Echoing(BroadcastMixin, AsyncWebsocketConsumer):
    groups = ["all"]
    disconnected = 0

    async def receive(self, text_data=None, bytes_data=None):
        await self.send(text_data)

    async def disconnect(self, code):
        type(self).disconnected += 1


def step(coroutine):
    """Run the coroutine to its end, which it must reach without waiting."""
    with pytest.raises(StopIteration):
        coroutine.send(None)


@pytest.mark.parametrize("generic", [AsyncWebsocketConsumer, WebsocketConsumer])
def test_a_waiting_consumer_is_not_woken(generic) -> None:
    """The event loop runs no other task, and a synchronous consumer takes no thread."""

    class Consumer(BroadcastMixin, generic):
        groups = ["all"]

    async def run():
        async with Socket(Consumer) as socket:
            # In a thread it is not known when it waits again.
            await socket.until(lambda: len(asyncio.all_tasks()) == 3)
            step(broadcast("all", text="a"))
            return list(socket.texts)

    assert asyncio.run(run()) == ["a"]


def test_each_socket_has_an_event_of_its_own() -> None:
    """A middleware may change the event that it sends."""

    async def run():
        async with Socket(Echoing) as one, Socket(Echoing) as two:
            step(broadcast("all", text="a"))
            one.sent[-1]["text"] = "changed"
            return two.texts

    assert asyncio.run(run()) == ["a"]


def test_a_broadcast_to_a_client_that_does_not_read_keeps_its_place() -> None:
    """What the consumer sends, and later broadcasts, follow it."""

    async def run():
        async with Socket(Echoing) as socket:
            socket.writable.clear()
            await broadcast("all", text="first")
            socket.events.put_nowait({"type": "websocket.receive", "text": "own"})
            await socket.settle()
            await broadcast("all", text="last")
            await socket.settle()
            assert socket.texts == []
            socket.writable.set()
            await socket.until(lambda: len(socket.texts) == 3)
            return socket.texts

    assert asyncio.run(run()) == ["first", "own", "last"]


def test_a_broadcast_follows_what_the_running_handler_sends() -> None:
    """It is in the mailbox until then."""

    class Slow(Echoing):
        async def receive(self, text_data=None, bytes_data=None):
            await self.send("begun")
            await self.may_end.wait()
            await self.send("ended")

    async def run():
        Slow.may_end = asyncio.Event()
        async with Socket(Slow) as socket:
            socket.events.put_nowait({"type": "websocket.receive", "text": ""})
            await socket.until(lambda: socket.texts == ["begun"])
            await broadcast("all", text="broadcast")
            Slow.may_end.set()
            await socket.until(lambda: len(socket.texts) == 3)
            return socket.texts

    assert asyncio.run(run()) == ["begun", "ended", "broadcast"]


@pytest.mark.parametrize("is_full", [False, True])
def test_a_client_that_has_disconnected_is_skipped(is_full) -> None:
    """Its consumer gets the disconnect, and can leave its groups."""

    async def run():
        Echoing.disconnected = 0
        async with Socket(Echoing) as socket:
            if is_full:
                socket.writable.clear()
                await broadcast("all", text="unread")
                await socket.settle()
            socket.error = ConnectionError("the client has disconnected")
            socket.writable.set()
            await broadcast("all", text="a")
            await socket.settle()
        return socket.task.exception(), Echoing.disconnected

    assert asyncio.run(run()) == (None, 1)


@pytest.mark.parametrize("is_full", [False, True])
def test_a_timeout_of_a_middleware_is_raised_in_the_consumer(is_full) -> None:
    """It is an OSError in Python, but not that of a client that has disconnected."""

    async def run():
        async with Socket(Echoing) as socket:
            if is_full:
                socket.writable.clear()
            socket.error = TimeoutError("of a middleware")
            await broadcast("all", text="a")
            await socket.settle()
            socket.writable.set()
            await socket.until(socket.task.done)
            return str(socket.task.exception())

    assert asyncio.run(run()) == "of a middleware"


def test_another_error_of_a_send_is_raised_in_the_consumer() -> None:
    """As where the consumer sends itself; the sender and the other members know nothing of it."""

    async def run():
        async with Socket(Echoing) as failing, Socket(Echoing) as other:
            failing.error = RuntimeError("closed")
            await broadcast("all", text="a")
            await failing.until(failing.task.done)
            return str(failing.task.exception()), other.texts

    assert asyncio.run(run()) == ("closed", ["a"])


def test_the_send_runs_as_if_the_consumer_had_called_it() -> None:
    """In its task and its context, which a middleware around it may ask for."""

    async def run():
        sender = asyncio.current_task()
        VISITOR.set("ada")
        async with Socket(Echoing) as socket:
            VISITOR.set("")
            await broadcast("all", text="a")
            assert asyncio.current_task() is sender
            return socket.senders[-1] is socket.task, socket.visitors[-1]

    assert asyncio.run(run()) == (True, "ada")
