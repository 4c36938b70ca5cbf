"""What the Channels worker does (`manage.py runworker lots`)."""

from channels.consumer import SyncConsumer

from auctions.services import close_lot


class CloseLotConsumer(SyncConsumer):
    """Close the lots that others found to be due; asking twice for one does no harm."""

    def lot_close(self, message: dict) -> None:
        close_lot(message["lot"])
