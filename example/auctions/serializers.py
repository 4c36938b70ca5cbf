"""The JSON shapes of lots and bids, the same over HTTP, WebSockets and event streams."""

from rest_framework import serializers

from auctions.models import Bid, Lot, Seller


class SellerSerializer(serializers.ModelSerializer):
    class Meta:
        model = Seller
        fields = ["id", "name", "town"]


class BidSerializer(serializers.ModelSerializer):
    class Meta:
        model = Bid
        fields = ["id", "lot", "sequence", "bidder", "amount", "created"]
        read_only_fields = ["id", "lot", "sequence", "created"]
        # Whether an amount is taken already is for the service to say, with the row locked.
        validators = []


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
