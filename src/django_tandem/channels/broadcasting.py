"""
One message for all WebSockets of a group, encoded once and written to each unchanged.

A consumer of Channels encodes its message for each socket, and takes its turn in the event loop for
it. What is the same for all needs neither: ``broadcast()`` sends it through the channel layer
encoded, and a process writes it to each of its sockets that waits for nothing else. In a process
that is not served by django-tandem, and on a socket that is busy, the consumer's handler sends it.
"""

import contextlib
import functools
import inspect
import json as json_module
from collections.abc import Awaitable, Iterator
from typing import Any

from asgiref.sync import async_to_sync
from channels import DEFAULT_CHANNEL_LAYER
from channels.consumer import AsyncConsumer, SyncConsumer
from channels.exceptions import InvalidChannelLayerError
from channels.generic.websocket import AsyncWebsocketConsumer, WebsocketConsumer
from channels.layers import get_channel_layer
from django.core.serializers.json import DjangoJSONEncoder

from django_tandem import fingerprints
from django_tandem.channels.frame import BROADCAST
from django_tandem.handler.protocol import Message, Send

# Distinct from None, which is null in JSON.
_NOT_GIVEN: Any = object()

# What a consumer sends with, which a frame that is written unchanged does not pass through.
SENDERS = (
    "channels.consumer.AsyncConsumer.send",
    "channels.consumer.SyncConsumer.send",
    "channels.generic.websocket.AsyncWebsocketConsumer.send",
    "channels.generic.websocket.WebsocketConsumer.send",
)


async def broadcast(
    group: str,
    *,
    text: str | None = None,
    json: Any = _NOT_GIVEN,
    bytes: bytes | None = None,  # noqa: A002 - as Channels names it in a message
    using: str = DEFAULT_CHANNEL_LAYER,
) -> None:
    """
    Send one message to all WebSockets of ``group`` whose consumers have ``BroadcastMixin``.

    Exactly one of ``text``, ``json`` and ``bytes`` is the message. ``json`` is any value that
    Django's JSON encoder takes, which knows dates, decimals and UUIDs too. ``using`` is the alias
    of the channel layer, whose promises are those of ``group_send``: at most once, in order.

    Raises TypeError without exactly one message, or for one of another type, and
    InvalidChannelLayerError without the layer.
    """
    message = _message(text, json, bytes)
    layer = get_channel_layer(using)
    if layer is None:
        raise InvalidChannelLayerError(f"CHANNEL_LAYERS has no {using!r}.")
    await layer.group_send(group, message)


def broadcast_sync(
    group: str,
    *,
    text: str | None = None,
    json: Any = _NOT_GIVEN,
    bytes: bytes | None = None,  # noqa: A002 - as Channels names it in a message
    using: str = DEFAULT_CHANNEL_LAYER,
) -> None:
    """Do the same as ``broadcast()`` from synchronous code, such as a view or a task."""
    async_to_sync(broadcast)(group, text=text, json=json, bytes=bytes, using=using)


def _message(text: str | None, json: Any, data: bytes | None) -> dict[str, Any]:
    given = (text is not None) + (json is not _NOT_GIVEN) + (data is not None)
    if given != 1:
        raise TypeError(f"Expected one of text, json and bytes, got {given or 'none'} of them.")
    # The frame is made where it is received, and an error there would end each socket.
    if data is not None:
        if not isinstance(data, (bytes, bytearray, memoryview)):
            raise TypeError(f"Expected bytes to be bytes, got {data!r}.")
        return {"type": BROADCAST, "bytes": bytes(data)}
    if text is not None and not isinstance(text, str):
        raise TypeError(f"Expected text to be a str, got {text!r}; json= takes any value.")
    if text is None:
        text = json_module.dumps(json, cls=DjangoJSONEncoder)
    return {"type": BROADCAST, "text": text}


class BroadcastMixin:
    """
    Sends the messages of ``broadcast()`` to the client of a WebSocket consumer.

    It stands before ``AsyncWebsocketConsumer``, ``WebsocketConsumer`` or one of their subclasses
    in the bases, and the consumer joins groups as usual. Such a message keeps its place among
    those that the consumer sends itself, and a client that has disconnected is skipped: its
    consumer gets the disconnect. A consumer that overrides ``tandem_broadcast`` or
    ``send`` handles each message itself, as any other one of its group.
    """

    def tandem_broadcast(self, message: Message) -> Awaitable[None] | None:
        """Send the message, a dict with ``text`` or ``bytes``, unchanged."""
        # A coroutine where the consumer's own send is one, which Channels awaits.
        send: Any = getattr(self, "send")  # noqa: B009 - of the other bases
        text, data = message.get("text"), message.get("bytes")
        consumer: Any = type(self)
        if not _sends_as_is(consumer):
            sent: Awaitable[None] | None = send(text_data=text, bytes_data=data)
            return sent
        with _skipping_disconnected():
            sent = send(text_data=text, bytes_data=data)
            return sent if sent is None else _await_unless_disconnected(sent)
        return None

    def tandem_frame_writer(self, send: Send) -> Send | None:
        """Return the ASGI ``send`` if frames may be written by it, without the consumer's code."""
        consumer: Any = type(self)
        return send if _sends_as_is(consumer) else None


async def _await_unless_disconnected(sent: Awaitable[None]) -> None:
    with _skipping_disconnected():
        await sent


@contextlib.contextmanager
def _skipping_disconnected() -> Iterator[None]:
    try:
        yield
    except TimeoutError:
        # Of a middleware around send(), although Python has it as an OSError.
        raise
    except OSError:
        # In ASGI the error of a client that has disconnected, which is the consumer's next event.
        pass


@functools.cache
def _sends_as_is(consumer: Any) -> bool:
    """Return whether instances of the class send a broadcast as Channels' own classes would."""
    if issubclass(consumer, AsyncWebsocketConsumer):
        generic, dispatching = AsyncWebsocketConsumer, AsyncConsumer
    elif issubclass(consumer, WebsocketConsumer):
        generic, dispatching = WebsocketConsumer, SyncConsumer
    else:
        return False
    return (
        _inherits(consumer, BroadcastMixin, "tandem_broadcast")
        and _inherits(consumer, generic, "send")
        and _inherits(consumer, dispatching, "dispatch")
        and _is_sending_known()
    )


def _inherits(consumer: Any, origin: Any, name: str) -> bool:
    # Static, as database_sync_to_async makes another object at each access.
    return inspect.getattr_static(consumer, name) is inspect.getattr_static(origin, name)


@functools.cache
def _is_sending_known() -> bool:
    return fingerprints.are_known(
        SENDERS, otherwise="Each consumer handles a broadcast itself, which is slower."
    )
