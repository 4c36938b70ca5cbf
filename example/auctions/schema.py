"""The GraphQL API on Graphene: the same lots, the same bids, the same rules."""

# ruff: noqa: N805, A002 - Graphene calls resolvers without self and names arguments as the API.

import graphene
from graphene_django import DjangoObjectType
from graphql import GraphQLError

from auctions.access import NOT_SIGNED_IN, bidder_of
from auctions.announcements import ask_to_close
from auctions.models import Bid, Lot, Seller
from auctions.serializers import BidSerializer
from auctions.services import BidRefused, place_bid

AT_MOST = 100


class SellerType(DjangoObjectType):
    class Meta:
        model = Seller
        fields = ["id", "name", "town"]


class BidType(DjangoObjectType):
    bidder = graphene.String(required=True)

    class Meta:
        model = Bid
        fields = ["id", "sequence", "amount", "created"]

    def resolve_bidder(bid: Bid, info) -> str:
        return bid.bidder.get_username()


class LotType(DjangoObjectType):
    status = graphene.String(required=True)

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
        ]

    def resolve_status(lot: Lot, info) -> str:
        return lot.state


class Query(graphene.ObjectType):
    lots = graphene.List(
        graphene.NonNull(LotType),
        first=graphene.Int(default_value=20),
        offset=graphene.Int(default_value=0),
        required=True,
    )
    lot = graphene.Field(LotType, id=graphene.ID(required=True))
    bids = graphene.List(
        graphene.NonNull(BidType),
        lot=graphene.ID(required=True),
        first=graphene.Int(default_value=20),
        required=True,
    )

    def resolve_lots(root, info, first: int, offset: int) -> list[Lot]:
        start = max(offset, 0)
        lots = list(Lot.objects.listed()[start : start + _bounded(first)])
        ask_to_close(lot.pk for lot in lots if lot.is_due)
        return lots

    def resolve_lot(root, info, id: str) -> Lot | None:
        return Lot.objects.listed().filter(pk=_number(id)).first()

    def resolve_bids(root, info, lot: str, first: int) -> list[Bid]:
        bids = Bid.objects.with_bidder().filter(lot_id=_number(lot)).order_by("-sequence")
        return list(bids[: _bounded(first)])


class Refusal(graphene.ObjectType):
    code = graphene.String(required=True)
    detail = graphene.String(required=True)
    current_price = graphene.String(required=True)


class PlaceBid(graphene.Mutation):
    """
    Place a bid as who is signed in: answers with the bid, or with why it was refused.

    The same bid with the same key again answers with the first.
    """

    class Arguments:
        lot = graphene.ID(required=True)
        amount = graphene.Decimal(required=True)
        key = graphene.UUID()

    bid = graphene.Field(BidType)
    refusal = graphene.Field(Refusal)

    def mutate(root, info, lot: str, **data) -> "PlaceBid":
        bidder = bidder_of(info.context)
        if bidder is None:
            raise GraphQLError(NOT_SIGNED_IN)
        serializer = BidSerializer(data=data)
        if not serializer.is_valid():
            raise GraphQLError("The bid is not valid.", extensions={"fields": serializer.errors})
        bid = {"lot_id": _number(lot), "bidder": bidder, **serializer.validated_data}
        try:
            return PlaceBid(bid=place_bid(**bid))
        except Lot.DoesNotExist:
            raise GraphQLError("There is no such lot.") from None
        except BidRefused as refusal:
            return PlaceBid(refusal=refusal.as_json())


class Mutation(graphene.ObjectType):
    place_bid = PlaceBid.Field()


def _bounded(first: int) -> int:
    return min(max(first, 0), AT_MOST)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise GraphQLError(f'"{text}" is not the number of a lot.')
    return int(text)


schema = graphene.Schema(query=Query, mutation=Mutation)
