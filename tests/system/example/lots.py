"""Lots, users and bids for the tests, sockets that watch, and channel layers that misbehave."""

from datetime import timedelta
from decimal import Decimal

from asgiref.sync import sync_to_async
from channels.layers import InMemoryChannelLayer
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from rest_framework.authtoken.models import Token

from auctions.models import Bid, Lot, Seller
from auctions.services import place_bid
from config.asgi import application


def make_lot(*, opening_price: int = 100, closes_in_s: float = 3600, **fields) -> Lot:
    seller, _ = Seller.objects.get_or_create(name="The Clock Room", defaults={"town": "Bath"})
    closes_at = timezone.now() + timedelta(seconds=closes_in_s)
    fields = {"title": "Longcase clock", "seller": seller, "closes_at": closes_at, **fields}
    return Lot.objects.create(opening_price=opening_price, **fields)


def a_user(name: str = "ada") -> User:
    return User.objects.get_or_create(username=name)[0]


def client_of(name: str = "ada", **options) -> Client:
    """Return a browser in which the user is signed in."""
    client = Client(**options)
    client.force_login(a_user(name))
    return client


def token_of(name: str = "ada") -> dict[str, str]:
    """Return the headers that an API client of the user sends."""
    return {"Authorization": f"Token {Token.objects.get_or_create(user=a_user(name))[0].key}"}


def bid_on(lot: Lot, *amounts: int, bidder: str = "ada") -> list[Bid]:
    who = a_user(bidder)
    return [place_bid(lot_id=lot.pk, bidder=who, amount=Decimal(amount)) for amount in amounts]


amake_lot = sync_to_async(make_lot)
abid_on = sync_to_async(bid_on)


def socket_of(lot_id: int, query: str = "", *, user: str | None = None) -> WebsocketCommunicator:
    """Return a socket that watches the lot; call it outside of a loop when it is a user's."""
    headers = [(b"origin", b"http://localhost")]
    if user:
        session = client_of(user).cookies[settings.SESSION_COOKIE_NAME]
        headers.append((b"cookie", session.output(attrs=[], header="").strip().encode()))
    return WebsocketCommunicator(application, f"/ws/lots/{lot_id}/{query}", headers=headers)


async def greeted(socket: WebsocketCommunicator) -> dict:
    connected, _ = await socket.connect(timeout=10)
    assert connected
    return await socket.receive_json_from(timeout=10)


async def received(socket: WebsocketCommunicator, kind: str) -> dict:
    """Wait for the next message of a kind, past those of others."""
    while True:
        message = await socket.receive_json_from(timeout=10)
        if message["type"] == kind:
            return message


async def is_quiet(socket: WebsocketCommunicator, for_s: float = 0.1) -> bool:
    """Whether nothing comes for a while but how many are watching."""
    while not await socket.receive_nothing(timeout=for_s):
        if (await socket.receive_json_from())["type"] != "presence":
            return False
    return True


async def next_sequences(socket: WebsocketCommunicator, count: int) -> list[int]:
    return [(await received(socket, "bid"))["bid"]["sequence"] for _ in range(count)]


class LosingLayer(InMemoryChannelLayer):
    """A layer that loses everything sent to a group."""

    async def group_send(self, group: str, message: dict) -> None:
        pass


class ReversingLayer(InMemoryChannelLayer):
    """A layer that delivers what is sent to a group in threes, the last one first, twice over."""

    def __init__(self, **config) -> None:
        super().__init__(**config)
        self.held: dict[str, list[dict]] = {}

    async def group_send(self, group: str, message: dict) -> None:
        held = self.held.setdefault(group, [])
        held.append(message)
        if len(held) == 3:
            for late in [*reversed(held), *held]:
                await super().group_send(group, late)
            held.clear()


class BrokenLayer(InMemoryChannelLayer):
    """A layer whose Redis is away."""

    async def group_send(self, group: str, message: dict) -> None:
        raise ConnectionError("no Redis")

    async def send(self, channel: str, message: dict) -> None:
        raise ConnectionError("no Redis")


def layer(cls: type[InMemoryChannelLayer]) -> dict:
    return {"default": {"BACKEND": f"{cls.__module__}.{cls.__qualname__}"}}
