"""
Consumers with a mailbox keep what Channels promises.

Each scenario runs on Channels' own code and on ours, on a layer that delivers and on one that is
received from: all of them must come to the same.
"""

import asyncio
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import pytest
from asgiref.sync import sync_to_async
from channels.auth import AuthMiddlewareStack
from channels.consumer import AsyncConsumer
from channels.db import aclose_old_connections, database_sync_to_async
from channels.exceptions import StopConsumer
from channels.generic.http import AsyncHttpConsumer
from channels.generic.websocket import (
    AsyncJsonWebsocketConsumer,
    AsyncWebsocketConsumer,
    WebsocketConsumer,
)
from channels.layers import InMemoryChannelLayer, channel_layers
from channels.routing import URLRouter
from channels.testing import ApplicationCommunicator, HttpCommunicator, WebsocketCommunicator
from channels.testing.application import no_op
from django.db import close_old_connections, connections, transaction
from django.urls import path
from handler.client import run
from inprocess import stock_consumers

from django_tandem import fingerprints
from django_tandem.handler import switching
from django_tandem.handler.switching import ParallelConsumers
from django_tandem.handler.thread_pool import ThreadPool
from django_tandem.inprocess import consumers


class DeliveringLayer(InMemoryChannelLayer):
    """A layer to which a mailbox can be attached."""

    def __init__(self):
        super().__init__()
        self.delivering = {}

    def attach(self, channel, deliver):
        self.delivering[channel] = deliver
        return lambda: self.delivering.pop(channel)

    async def send(self, channel, message):
        if channel in self.delivering:
            self.delivering[channel](dict(message))
        else:
            await super().send(channel, message)


@pytest.fixture
def installed():
    """Consumers with mailboxes, until the test ends."""
    consumers.install()
    yield
    stock_consumers.restore()


# As before Channels 4.2, whose consumers close no connections before a message.
EARLIER = """
import channels.consumer
import channels.db
del channels.db.aclose_old_connections, channels.consumer.aclose_old_connections
stock = channels.consumer.AsyncConsumer.__call__
from django_tandem.inprocess import consumers
consumers.install()
print(channels.consumer.AsyncConsumer.__call__ is stock)
"""


@pytest.mark.processes
def test_an_earlier_channels_is_left_as_it_is():
    """The module can be imported, which a master and a Channels worker do in any case."""
    done = subprocess.run(
        [sys.executable, "-c", EARLIER], capture_output=True, text=True, check=False
    )

    assert done.stdout == "True\n", done.stderr


VARIANTS = {
    "stock": (False, InMemoryChannelLayer),
    "received": (True, InMemoryChannelLayer),
    "delivered": (True, DeliveringLayer),
}


def outcomes(scenario):
    """Return what the scenario comes to, by variant."""
    found = {}
    for name, (is_ours, layer) in VARIANTS.items():
        before = channel_layers.set("default", layer())
        if is_ours:
            consumers.install()
        try:
            found[name] = run(scenario())
        finally:
            stock_consumers.restore()
            channel_layers.set("default", before)
    return found


def assert_alike(scenario, expected):
    assert outcomes(scenario) == dict.fromkeys(VARIANTS, expected)


def left_tasks():
    """Return the tasks of a consumer and of its sources that have not ended."""
    return [each for each in asyncio.all_tasks() if "receive" in str(each.get_coro())]


async def opened(consumer, path="/", **scope):
    client = WebsocketCommunicator(consumer.as_asgi(), path)
    client.scope.update(scope)
    connected, _ = await client.connect()
    assert connected
    return client


class Recorder(AsyncWebsocketConsumer):
    """It joins a group, and sends back what it gets."""

    groups = ("all",)

    async def receive(self, text_data=None, bytes_data=None):
        await self.send(text_data=f"socket {text_data}")

    async def note(self, event):
        event["seen"] = True
        await self.send(text_data=f"layer {event['number']}")


async def tell(number, **more):
    await channel_layers["default"].group_send("all", {"type": "note", "number": number, **more})


def test_messages_of_both_sources_arrive_each_in_its_order():
    """From the socket and from the layer."""

    async def scenario():
        client = await opened(Recorder)
        for number in range(3):
            await client.send_to(text_data=str(number))
            await tell(number)
        received = [await client.receive_from() for _ in range(6)]
        await client.disconnect()
        by_source = {"socket": [], "layer": []}
        for each in received:
            source, number = each.split()
            by_source[source].append(int(number))
        return by_source

    assert_alike(scenario, {"socket": [0, 1, 2], "layer": [0, 1, 2]})


class OneAtATime(Recorder):
    running = most = 0

    async def note(self, event):
        type(self).running += 1
        type(self).most = max(self.most, self.running)
        await asyncio.sleep(0.001)
        type(self).running -= 1
        await super().note(event)

    async def receive(self, text_data=None, bytes_data=None):
        await self.note({"number": text_data})


def test_a_consumer_handles_one_message_at_a_time():
    """Also when both sources have several."""

    async def scenario():
        OneAtATime.most = 0
        client = await opened(OneAtATime)
        for number in range(5):
            await tell(number)
            await client.send_to(text_data="x")
        received = {await client.receive_from() for _ in range(10)}
        await client.disconnect()
        return OneAtATime.most, received

    assert_alike(scenario, (1, {"layer x", *(f"layer {number}" for number in range(5))}))


class Failing(Recorder):
    async def note(self, event):
        raise ValueError("of the handler")


def test_an_error_of_a_handler_ends_the_consumer():
    """It reaches the server."""

    async def scenario():
        client = await opened(Failing)
        await tell(1)
        with pytest.raises(ValueError, match="of the handler"):
            await client.future
        return left_tasks()

    assert_alike(scenario, [])


def test_an_unknown_type_is_an_error():
    """As Channels words it."""

    async def scenario():
        client = await opened(Recorder)
        await channel_layers["default"].group_send("all", {"type": "no.such"})
        with pytest.raises(ValueError, match="No handler for message type"):
            await client.future

    assert_alike(scenario, None)


class Stopping(AsyncConsumer):
    async def websocket_connect(self, message):
        await self.send({"type": "websocket.accept"})

    async def websocket_receive(self, message):
        raise StopConsumer


def test_stop_consumer_ends_it_without_an_error():
    """And leaves no task behind."""

    async def scenario():
        client = await opened(Stopping)
        await client.send_to(text_data="stop")
        await client.wait()
        return left_tasks()

    assert_alike(scenario, [])


class Cancelled(Recorder):
    seen = None

    async def note(self, event):
        type(self).seen.append("begun")
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            type(self).seen.append("cancelled")
            raise


def test_a_cancellation_reaches_the_handler():
    """And ends the consumer, with its tasks."""

    async def scenario():
        Cancelled.seen = []
        client = await opened(Cancelled)
        await tell(1)
        while not Cancelled.seen:
            await asyncio.sleep(0)
        client.future.cancel()
        with pytest.raises(asyncio.CancelledError):
            await client.future
        return Cancelled.seen, left_tasks()

    assert_alike(scenario, (["begun", "cancelled"], []))


def test_a_cancellation_ends_a_consumer_that_waits():
    """At a drain, for one that does not return."""

    async def scenario():
        client = await opened(Recorder)
        client.future.cancel()
        with pytest.raises(asyncio.CancelledError):
            await client.future
        return left_tasks()

    assert_alike(scenario, [])


class Leaving(Recorder):
    left = None

    async def note(self, event):
        await asyncio.sleep(0.01)

    async def disconnect(self, code):
        type(self).left.append(code)


def test_a_disconnect_waits_for_the_handler_that_runs():
    """The handler of a message is not cut off, and no message after the disconnect is handled."""

    async def scenario():
        Leaving.left = []
        client = await opened(Leaving)
        for number in range(50):
            await tell(number)
        await client.disconnect(code=4000)
        await tell(50)
        return Leaving.left, left_tasks()

    assert_alike(scenario, ([4000], []))


def test_a_disconnect_does_not_wait_for_all_that_the_layer_has_sent():
    """It is next after at most one more message."""

    async def scenario():
        handled, gate = [], asyncio.Event()

        class Gated(Recorder):
            async def note(self, event):
                handled.append(event["number"])
                await gate.wait()

        client = await opened(Gated)
        for number in range(50):
            await tell(number)
        await client.send_input({"type": "websocket.disconnect", "code": 1000})
        await asyncio.sleep(0)
        gate.set()
        await client.wait()
        return len(handled) <= 2

    assert_alike(scenario, True)


class Blocking(WebsocketConsumer):
    groups = ("all",)

    def receive(self, text_data=None, bytes_data=None):
        self.send(text_data=f"socket {text_data}")

    def note(self, event):
        self.send(text_data=f"layer {event['number']} {threading.current_thread().name[:5]}")


def test_a_sync_consumer_handles_both_sources():
    """On a thread."""

    async def scenario():
        client = await opened(Blocking)
        await client.send_to(text_data="1")
        first = await client.receive_from()
        await tell(2)
        second = await client.receive_from()
        await client.disconnect()
        return first, second.split()[:2], "MainT" in second

    assert_alike(scenario, ("socket 1", ["layer", "2"], False))


class Wrapped(Recorder):
    """A project's own, which handles errors of each message."""

    async def dispatch(self, message):
        try:
            await super().dispatch(message)
        except ValueError as error:
            await self.send(text_data=f"caught {error}")

    async def note(self, event):
        raise ValueError("bad")


def test_a_dispatch_of_the_project_is_called_for_each_message():
    """Its subclass may catch what a handler raises."""

    async def scenario():
        client = await opened(Wrapped)
        await tell(1)
        first = await client.receive_from()
        await client.send_to(text_data="still open")
        second = await client.receive_from()
        await client.disconnect()
        return first, second

    assert_alike(scenario, ("caught bad", "socket still open"))


class OwnCall(Recorder):
    loops = None

    async def __call__(self, scope, receive, send):
        type(self).loops.append("begun")
        return await super().__call__(scope, receive, send)


def test_a_call_of_the_project_may_wrap_channels_own():
    """As one does that cleans up in a finally; it gets a mailbox, too."""

    async def scenario():
        OwnCall.loops = []
        client = await opened(OwnCall)
        await tell(1)
        received = await client.receive_from()
        await client.disconnect()
        return received, OwnCall.loops

    assert_alike(scenario, ("layer 1", ["begun"]))


def test_a_call_that_wraps_channels_own_is_delivered_to(installed, monkeypatch):
    """Nothing is received from a layer that delivers."""
    layer = DeliveringLayer()
    monkeypatch.setitem(channel_layers.backends, "default", layer)

    async def scenario():
        OwnCall.loops = []
        client = await opened(OwnCall)
        attached = len(layer.delivering)
        await client.disconnect()
        return attached

    assert run(scenario()) == 1


class Receiving(Recorder):
    async def receive(self, text_data=None, bytes_data=None):
        event = await self.channel_receive()
        await self.send(text_data=f"own {event['number']}")


@pytest.mark.parametrize("variant", ["received", "delivered"])
def test_a_handler_may_receive_from_the_layer_itself(variant):
    """By channel_receive, for a request and its answer."""

    async def scenario():
        client = await opened(Receiving)
        await client.send_to(text_data="go")
        for number in range(2):
            await asyncio.sleep(0)
            await tell(number)
        received = {await client.receive_from(), await client.receive_from()}
        await client.disconnect()
        return received in ({"own 0", "layer 1"}, {"layer 0", "own 1"})

    assert outcomes(scenario)[variant]


class Who(AsyncJsonWebsocketConsumer):
    async def receive_json(self, content, **kwargs):
        found = await database_sync_to_async(lambda: connections["default"].vendor)()
        await self.send_json(
            {
                "user": str(self.scope["user"]),
                "argument": self.scope["url_route"]["kwargs"],
                "database": found,
            }
        )


def test_nested_routers_and_middlewares_are_unchanged():
    """With AuthMiddleware, a session and a query in the handler."""

    async def scenario():
        inner = URLRouter([path("<int:number>/", Who.as_asgi())])
        application = AuthMiddlewareStack(URLRouter([path("rooms/", inner)]))
        client = WebsocketCommunicator(application, "/rooms/7/")
        await client.connect()
        await client.send_json_to({})
        received = await client.receive_json_from(timeout=5)
        await client.disconnect()
        return received["user"], received["argument"], bool(received["database"])

    assert_alike(scenario, ("AnonymousUser", {"number": 7}, True))


class Page(AsyncHttpConsumer):
    async def handle(self, body):
        await self.send_response(200, b"got " + body)


def test_http_consumers_answer():
    """The other generic consumer."""

    async def scenario():
        client = HttpCommunicator(Page.as_asgi(), "POST", "/", body=b"it")
        response = await client.get_response(timeout=5)
        return response["body"]

    assert_alike(scenario, b"got it")


class Worker(AsyncConsumer):
    handled = None

    async def work(self, message):
        type(self).handled.append(message["number"])


def test_a_channels_worker_feeds_a_consumer():
    """The next message is received only once the last one was handled."""

    async def scenario():
        Worker.handled = []
        client = ApplicationCommunicator(Worker.as_asgi(), {"type": "channel", "channel": "work"})
        for number in range(3):
            await client.send_input({"type": "work", "number": number})
        while len(Worker.handled) < 3:
            await asyncio.sleep(0)
        client.stop()
        return Worker.handled

    assert_alike(scenario, [0, 1, 2])


def test_each_consumer_gets_a_message_that_it_may_change():
    """Recorder changes its own."""

    async def scenario():
        first, second = await opened(Recorder), await opened(Recorder)
        shared = {"list": []}
        await tell(1, shared=shared)
        received = [await first.receive_from(), await second.receive_from()]
        await first.disconnect()
        await second.disconnect()
        return received

    assert_alike(scenario, ["layer 1", "layer 1"])


# Database connections.


@pytest.fixture
def pool(tmp_path, monkeypatch):
    """One thread, and a database."""
    given = {"ENGINE": "django.db.backends.sqlite3", "NAME": tmp_path / "d", "CONN_MAX_AGE": 3600}
    monkeypatch.setattr(connections, "settings", connections.configure_settings({"default": given}))
    pool = ThreadPool(1)
    monkeypatch.setattr(switching, "consumer_pool", lambda: pool)
    yield pool
    pool.close()


def connect():
    # On its thread, which has another connection.
    connections["default"].ensure_connection()


class Database(Recorder):
    async def receive(self, text_data=None, bytes_data=None):
        await sync_to_async(connect)()
        await self.send(text_data="done")


@pytest.fixture
def submitted(monkeypatch, pool):
    """The calls on the thread of a consumer."""
    calls = []
    submit = switching.ConsumerExecutor.submit

    def noted(self, function, /, *args, **kwargs):
        called = switching.submitted_function(function)
        # Channels' test client replaces it while it receives.
        calls.append(close_old_connections if called is no_op else called)
        return submit(self, function, *args, **kwargs)

    monkeypatch.setattr(switching.ConsumerExecutor, "submit", noted)
    return calls


async def parallel(consumer):
    client = WebsocketCommunicator(ParallelConsumers(consumer.as_asgi()), "/")
    connected, _ = await client.connect()
    assert connected
    return client


@pytest.mark.usefixtures("installed", "delivering")
def test_no_thread_is_taken_for_a_message_while_no_connection_is_open(submitted):
    """To close old connections would take one for each."""

    async def scenario():
        client = await parallel(Recorder)
        for number in range(3):
            await tell(number)
            await client.receive_from()
        await client.disconnect()
        return submitted

    assert run(scenario()) == []


@pytest.fixture
def delivering():
    """A layer that delivers, of this test."""
    before = channel_layers.set("default", DeliveringLayer())
    yield
    channel_layers.set("default", before)


@pytest.mark.usefixtures("installed", "delivering")
def test_a_thread_is_taken_once_a_connection_is_due_to_be_closed(submitted, pool, monkeypatch):
    """That which the consumer's last sync call has left open; before that, none is."""
    seen = []

    async def scenario():
        client = await parallel(Database)
        await client.send_to(text_data="go")
        await client.receive_from()
        for now in (time.monotonic(), time.monotonic() + 3601):
            while not pool.counts().idle:
                await asyncio.sleep(0.001)
            clock = SimpleNamespace(monotonic=lambda now=now: now)
            monkeypatch.setattr(switching, "time", clock)
            submitted.clear()
            await tell(1)
            await client.receive_from()
            seen.append(list(submitted))
        await client.disconnect()

    run(scenario())

    assert seen == [[], [close_old_connections]]


@pytest.mark.usefixtures("installed", "delivering")
def test_a_thread_is_taken_while_a_transaction_is_open(submitted):
    """It keeps its thread, and its connection, whose state is unknown until its end."""

    class Transacting(Database):
        async def receive(self, text_data=None, bytes_data=None):
            self.atomic = transaction.atomic()
            await sync_to_async(self.atomic.__enter__)()
            await self.send(text_data="begun")

        async def note(self, event):
            await super().note(event)
            await sync_to_async(self.atomic.__exit__)(None, None, None)

    async def scenario():
        client = await parallel(Transacting)
        await client.send_to(text_data="go")
        await client.receive_from()
        await tell(1)
        await client.receive_from()
        await client.disconnect()

    run(scenario())

    assert submitted[1] is close_old_connections


@pytest.mark.usefixtures("installed", "delivering")
def test_without_our_threads_each_message_checks_the_connections(monkeypatch):
    """As Channels does: another executor runs the consumer's calls, and they are not known."""
    checked = []

    async def check():
        checked.append(1)

    monkeypatch.setattr(consumers, "_stock_close", check)

    async def scenario():
        client = await opened(Recorder)
        await tell(1)
        await client.receive_from()
        await client.disconnect()

    run(scenario())

    # The connect, the message, and the disconnect with its own.
    assert len(checked) == 4


def test_the_own_functions_of_channels_are_replaced_and_restored(installed):
    """Where the installed version is one that was read."""
    import channels.db
    import channels.generic.websocket

    assert channels.generic.websocket.aclose_old_connections is consumers.close_due_connections
    stock_consumers.restore()
    assert channels.generic.websocket.aclose_old_connections is aclose_old_connections


def test_an_unknown_version_of_channels_is_left_as_it_is(monkeypatch, caplog):
    """And one line says so."""
    monkeypatch.setattr(fingerprints, "is_known", lambda name: not name.endswith("__call__"))

    consumers.install()

    assert AsyncConsumer.__call__ is consumers._stock_call
    version = fingerprints.installed_version("channels")
    assert caplog.messages == [
        f"channels.consumer.AsyncConsumer.__call__ in {version} differs from the versions that "
        "django-tandem knows. Each message of a consumer takes a thread, as without django-tandem."
    ]
