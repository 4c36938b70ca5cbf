"""The JSON shapes of lots and bids, the same over HTTP, WebSockets and event streams."""

from datetime import datetime

from rest_framework import serializers

from auctions.models import Bid, Lot, Seller
from auctions.wording import AMOUNT_ERRORS


class SellerSerializer(serializers.ModelSerializer):
    class Meta:
        model = Seller
        fields = ["id", "name", "town"]


class BidSerializer(serializers.ModelSerializer):
    """A bid; who places one is the user who asks, and only that user knows its key."""

    bidder = serializers.CharField(source="bidder.username", read_only=True)
    key = serializers.UUIDField(write_only=True, required=False, allow_null=True)

    class Meta:
        model = Bid
        fields = ["id", "lot", "sequence", "bidder", "amount", "created", "key"]
        read_only_fields = ["id", "lot", "sequence", "created"]
        extra_kwargs = {"amount": {"error_messages": AMOUNT_ERRORS}}
        # Whether an amount or a key is taken is for the service to say, with the row locked.
        validators = []


def time_json(moment: datetime) -> str:
    """Write a time as the serializers do."""
    return serializers.DateTimeField().to_representation(moment)


class LotSerializer(serializers.ModelSerializer):
    seller = SellerSerializer()
    best_bid = BidSerializer()
    status = serializers.CharField(source="state")

    class Meta:
        model = Lot
        fields = [
            "id",
            "title",
            "description",
            "seller",
            "opening_price",
            "current_price",
            "best_bid",
            "last_sequence",
            "closes_at",
            "status",
        ]
        read_only_fields = fields
