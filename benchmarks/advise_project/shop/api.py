"""The REST API of the shop."""

from typing import Any

from adrf.views import APIView as AsyncAPIView
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSet

from shop.clients import ask_supplier, ask_supplier_async
from shop.models import Book
from shop.work import compute


class Quote(APIView):
    """What it costs to ship a book."""

    def get(self, request: Request) -> Response:
        return Response(ask_supplier("quote", 400))


class Rates(ViewSet):
    """Exchange rates, which a service has."""

    def retrieve(self, request: Request, currency: str) -> Response:
        return Response({"currency": currency, **ask_supplier("rate", 150)})


class RatedBook(serializers.ModelSerializer):
    rating = serializers.SerializerMethodField()

    class Meta:
        model = Book
        fields = ("id", "title", "rating")

    def get_rating(self, book: Book) -> int:
        return compute(2)


class Books(generics.ListAPIView):
    """Twenty books, of which the serializer computes two milliseconds each."""

    queryset = Book.objects.order_by("title")[:20]
    serializer_class = RatedBook


class BookWithAuthor(serializers.ModelSerializer):
    author = serializers.CharField(source="author.name")

    class Meta:
        model = Book
        fields = ("id", "title", "price", "author")


class Orders(generics.ListAPIView):
    """Twenty rows with a query for each of them, as nobody has joined the author."""

    queryset = Book.objects.order_by("-price")[:20]
    serializer_class = BookWithAuthor


class Tracking(AsyncAPIView):
    """Where a parcel is, awaited."""

    async def get(self, request: Request, pk: int) -> Response:
        return Response({"parcel": pk, **await ask_supplier_async("tracking", 200)})


class Valuation(AsyncAPIView):
    """An async view whose serializer computes on the event loop."""

    async def get(self, request: Request) -> Response:
        found: list[dict[str, Any]] = [{"row": row, "value": compute(4)} for row in range(20)]
        return Response(found)
