"""A message of ``broadcast()`` reaches each WebSocket of its group, encoded once."""

import asyncio
import datetime
import decimal

import oracle.configured  # noqa: F401 - to import it is to configure Django
import pytest
from asgiref.sync import async_to_sync, sync_to_async
from channels.consumer import AsyncConsumer
from channels.exceptions import InvalidChannelLayerError
from channels.generic.websocket import (
    AsyncJsonWebsocketConsumer,
    AsyncWebsocketConsumer,
    JsonWebsocketConsumer,
    WebsocketConsumer,
)
from channels.layers import get_channel_layer
from channels.testing import WebsocketCommunicator
from django.test import override_settings

from django_tandem.channels import BroadcastMixin, broadcast, broadcast_sync, broadcasting

GENERIC = (
    AsyncWebsocketConsumer,
    AsyncJsonWebsocketConsumer,
    WebsocketConsumer,
    JsonWebsocketConsumer,
)
IN_MEMORY = {"BACKEND": "channels.layers.InMemoryChannelLayer"}


@pytest.fixture(autouse=True)
def _layers():
    with override_settings(CHANNEL_LAYERS={"default": IN_MEMORY, "other": IN_MEMORY}):
        yield


def with_mixin(generic, **attributes):
    """Return a consumer class of the group "all"."""
    return type("Consumer", (BroadcastMixin, generic), {"groups": ["all"], **attributes})


async def received_by(consumer, *messages):
    """Return what a client of the consumer receives of these messages, as ASGI events."""
    client = WebsocketCommunicator(consumer.as_asgi(), "/")
    await client.connect()
    for message in messages:
        await broadcast("all", **message)
    events = [await client.receive_output() for _ in messages]
    await client.disconnect()
    return events


async def _sent(using="default", **message):
    layer = get_channel_layer(using)
    channel = await layer.new_channel()
    await layer.group_add("all", channel)
    await broadcast("all", using=using, **message)
    return await layer.receive(channel)


@pytest.mark.parametrize(
    ("message", "sent"),
    [
        ({"text": "a"}, {"text": "a"}),
        ({"text": ""}, {"text": ""}),
        ({"bytes": b"\0"}, {"bytes": b"\0"}),
        ({"json": {"a": [1, None]}}, {"text": '{"a": [1, null]}'}),
        ({"json": None}, {"text": "null"}),
    ],
)
def test_the_channel_layer_carries_the_encoded_message(message, sent) -> None:
    """It is encoded where it is sent, and nowhere else."""
    assert asyncio.run(_sent(**message)) == {"type": "tandem.broadcast", **sent}


def test_json_takes_what_djangos_encoder_takes() -> None:
    """A price and a day need no conversion."""
    value = {"price": decimal.Decimal("1.50"), "day": datetime.date(2026, 2, 3)}

    assert asyncio.run(_sent(json=value))["text"] == '{"price": "1.50", "day": "2026-02-03"}'


def test_another_layer_is_named_by_its_alias() -> None:
    """As in get_channel_layer()."""
    assert asyncio.run(_sent(using="other", text="a"))["text"] == "a"


@pytest.mark.parametrize(
    ("message", "count"),
    [({}, "none"), ({"text": "a", "bytes": b"b"}, 2), ({"text": None}, "none")],
)
def test_exactly_one_message_is_sent(message, count) -> None:
    """Which one of two was meant is not guessed."""
    with pytest.raises(TypeError) as raised:
        asyncio.run(broadcast("all", **message))

    assert str(raised.value) == f"Expected one of text, json and bytes, got {count} of them."


@pytest.mark.parametrize(
    ("message", "error"),
    [
        ({"text": 5}, "Expected text to be a str, got 5; json= takes any value."),
        ({"text": b"a"}, "Expected text to be a str, got b'a'; json= takes any value."),
        ({"bytes": "a"}, "Expected bytes to be bytes, got 'a'."),
    ],
)
def test_a_message_of_another_type_is_an_error_of_the_sender(message, error) -> None:
    """And not of each socket that it would reach."""
    with pytest.raises(TypeError) as raised:
        asyncio.run(broadcast("all", **message))

    assert str(raised.value) == error


def test_a_layer_that_is_not_configured_is_an_error() -> None:
    """The message would reach nobody."""
    with pytest.raises(InvalidChannelLayerError) as raised:
        asyncio.run(broadcast("all", text="a", using="third"))

    assert str(raised.value) == "CHANNEL_LAYERS has no 'third'."


@pytest.mark.parametrize("generic", GENERIC)
def test_each_generic_consumer_sends_it_as_it_is(generic) -> None:
    """On any channel layer, and without a server of ours."""
    events = asyncio.run(received_by(with_mixin(generic), {"text": "a"}, {"bytes": b"b"}))

    assert events == [
        {"type": "websocket.send", "text": "a"},
        {"type": "websocket.send", "bytes": b"b"},
    ]


def test_synchronous_code_sends_it_too() -> None:
    """A view on WSGI, or a task."""

    async def run():
        client = WebsocketCommunicator(with_mixin(AsyncWebsocketConsumer).as_asgi(), "/")
        await client.connect()
        await asyncio.to_thread(broadcast_sync, "all", json=[1])
        received = await client.receive_from()
        await client.disconnect()
        return received

    assert asyncio.run(run()) == "[1]"


def test_a_consumer_may_handle_it_itself() -> None:
    """What it overrides is called for each message, and may call the mixin's."""

    class Numbered(BroadcastMixin, AsyncWebsocketConsumer):
        groups = ["all"]
        number = 0

        async def tandem_broadcast(self, message):
            self.number += 1
            await super().tandem_broadcast({"text": f"{self.number}: {message['text']}"})

    events = asyncio.run(received_by(Numbered, {"text": "a"}, {"text": "b"}))

    assert [event["text"] for event in events] == ["1: a", "2: b"]


async def own_send(message) -> None:
    """Stand for the ``send`` of a server."""


@pytest.mark.parametrize("generic", GENERIC)
def test_a_frame_may_be_written_where_the_consumers_code_would_do_the_same(generic) -> None:
    """The server's own send, as the one of a synchronous consumer needs a thread."""
    assert with_mixin(generic)().tandem_frame_writer(own_send) is own_send


@pytest.mark.parametrize("generic", [AsyncWebsocketConsumer, WebsocketConsumer])
@pytest.mark.parametrize("overridden", ["tandem_broadcast", "send", "dispatch"])
def test_a_consumer_that_overrides_what_sends_it_is_called(generic, overridden) -> None:
    """It may count, change or drop the message."""
    consumer = with_mixin(generic, **{overridden: lambda self, *_, **__: None})

    assert consumer().tandem_frame_writer(own_send) is None


def test_a_consumer_of_no_generic_class_is_called() -> None:
    """How it sends is not known."""
    assert with_mixin(AsyncConsumer)().tandem_frame_writer(own_send) is None


def test_where_channels_sends_in_an_unknown_way_the_consumer_is_called(monkeypatch, caplog) -> None:
    """A later version of Channels may do more in it."""
    monkeypatch.setattr(broadcasting, "SENDERS", ("channels.layers.BaseChannelLayer.send",))
    broadcasting._is_sending_known.cache_clear()
    try:
        consumer = with_mixin(AsyncWebsocketConsumer)

        assert consumer().tandem_frame_writer(own_send) is None
    finally:
        broadcasting._is_sending_known.cache_clear()
    assert caplog.messages[0].endswith(
        "from the versions that django-tandem knows. "
        "Each consumer handles a broadcast itself, which is slower."
    )


@pytest.mark.parametrize("generic", [AsyncWebsocketConsumer, WebsocketConsumer])
@pytest.mark.parametrize(
    ("error", "raised"), [(ConnectionError, None), (TimeoutError, TimeoutError)]
)
def test_a_handler_skips_a_client_that_has_disconnected_alone(generic, error, raised) -> None:
    """A TimeoutError is that of a middleware, although it is an OSError."""

    async def failing(_event):
        raise error

    async def run():
        consumer = with_mixin(generic)()
        consumer.base_send = async_to_sync(failing) if consumer._sync else failing
        if consumer._sync:
            await sync_to_async(consumer.tandem_broadcast)({"text": "a"})
        else:
            await consumer.tandem_broadcast({"text": "a"})

    found = None
    try:
        asyncio.run(run())
    except OSError as caught:
        found = type(caught)
    assert found is raised
