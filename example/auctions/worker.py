"""What the Channels worker does (`manage.py runworker lots`)."""

from channels.consumer import AsyncConsumer
from channels.db import database_sync_to_async

from auctions.services import close_lot


class CloseLotConsumer(AsyncConsumer):
    """Close the lots that others found to be due; asking twice for one does no harm."""

    async def lot_close(self, message: dict) -> None:
        await database_sync_to_async(close_lot)(message["lot"])
