"""Lots and bids for the tests, sockets to watch them, and channel layers that misbehave."""

from datetime import timedelta
from decimal import Decimal

from asgiref.sync import sync_to_async
from channels.layers import InMemoryChannelLayer
from channels.testing import WebsocketCommunicator
from django.utils import timezone

from auctions.models import Bid, Lot, Seller
from auctions.services import place_bid
from config.asgi import application


def make_lot(*, opening_price: int = 100, closes_in_s: float = 3600, **fields) -> Lot:
    seller, _ = Seller.objects.get_or_create(name="The Clock Room", defaults={"town": "Bath"})
    closes_at = timezone.now() + timedelta(seconds=closes_in_s)
    fields = {"title": "Longcase clock", "seller": seller, "closes_at": closes_at, **fields}
    return Lot.objects.create(opening_price=opening_price, **fields)


def bid_on(lot: Lot, *amounts: int, bidder: str = "Ada") -> list[Bid]:
    return [place_bid(lot_id=lot.pk, bidder=bidder, amount=Decimal(amount)) for amount in amounts]


amake_lot = sync_to_async(make_lot)
abid_on = sync_to_async(bid_on)


def socket_of(lot_id: int, query: str = "") -> WebsocketCommunicator:
    return WebsocketCommunicator(
        application,
        f"/ws/lots/{lot_id}/{query}",
        headers=[(b"origin", b"http://localhost")],
    )


async def greeted(socket: WebsocketCommunicator) -> dict:
    connected, _ = await socket.connect(timeout=10)
    assert connected
    return await socket.receive_json_from(timeout=10)


async def next_sequences(socket: WebsocketCommunicator, count: int) -> list[int]:
    messages = [await socket.receive_json_from(timeout=10) for _ in range(count)]
    return [message["bid"]["sequence"] for message in messages]


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
