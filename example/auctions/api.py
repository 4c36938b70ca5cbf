"""The REST API: lots, a lot, and bids on it."""

from rest_framework import generics, status
from rest_framework.exceptions import APIException, NotFound
from rest_framework.pagination import PageNumberPagination
from rest_framework.serializers import BaseSerializer

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


class LotBids(generics.ListCreateAPIView):
    """The bids on a lot, newest first. Anyone may bid, under any name."""

    serializer_class = BidSerializer
    pagination_class = BidPages

    def get_queryset(self):
        generics.get_object_or_404(Lot, pk=self.kwargs["pk"])
        return Bid.objects.filter(lot_id=self.kwargs["pk"]).order_by("-sequence")

    def perform_create(self, serializer: BaseSerializer) -> None:
        try:
            serializer.instance = place_bid(lot_id=self.kwargs["pk"], **serializer.validated_data)
        except Lot.DoesNotExist:
            raise NotFound("There is no such lot.") from None
        except BidRefused as refusal:
            raise Conflict(refusal.as_json()) from refusal
