"""The REST API: lots, a lot, and bids on it."""

from rest_framework import generics, status
from rest_framework.exceptions import APIException, NotFound
from rest_framework.pagination import PageNumberPagination
from rest_framework.request import Request
from rest_framework.response import Response

from auctions.access import SignedInToBid
from auctions.announcements import ask_to_close
from auctions.models import Bid, Lot
from auctions.serializers import BidSerializer, LotSerializer
from auctions.services import BidRefused, place_bid


class Conflict(APIException):
    status_code = status.HTTP_409_CONFLICT


class LotList(generics.ListAPIView):
    serializer_class = LotSerializer
    queryset = Lot.objects.listed()

    def paginate_queryset(self, queryset):
        page = super().paginate_queryset(queryset)
        ask_to_close(lot.pk for lot in page if lot.is_due)
        return page


class LotDetail(generics.RetrieveAPIView):
    serializer_class = LotSerializer
    queryset = Lot.objects.listed()


class BidPages(PageNumberPagination):
    page_size_query_param = "page_size"
    max_page_size = 1000


class LotBids(generics.ListAPIView):
    """The bids on a lot, newest first. Anyone who is signed in may bid."""

    serializer_class = BidSerializer
    pagination_class = BidPages
    permission_classes = (SignedInToBid,)

    def get_queryset(self):
        generics.get_object_or_404(Lot, pk=self.kwargs["pk"])
        return Bid.objects.with_bidder().filter(lot_id=self.kwargs["pk"]).order_by("-sequence")

    def post(self, request: Request, pk: int) -> Response:
        """Place a bid: 201, or 200 with the first one when its key was used for it before."""
        asked = self.get_serializer(data=request.data)
        asked.is_valid(raise_exception=True)
        bid = _place(lot_id=pk, bidder=request.user, **asked.validated_data)
        code = status.HTTP_200_OK if bid.is_repeat else status.HTTP_201_CREATED
        return Response(self.get_serializer(bid).data, status=code)


def _place(**bid) -> Bid:
    try:
        return place_bid(**bid)
    except Lot.DoesNotExist:
        raise NotFound("There is no such lot.") from None
    except BidRefused as refusal:
        raise Conflict(refusal.as_json()) from refusal
