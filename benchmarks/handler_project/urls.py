"""An async view that only computes, a DRF list, and a query that takes time."""

from books.models import Book
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import path
from rest_framework import generics, serializers


async def hello(request: HttpRequest) -> HttpResponse:
    return HttpResponse("hello")


def slow(request: HttpRequest) -> HttpResponse:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(0.05)")
    return HttpResponse("slept")


class BookSerializer(serializers.ModelSerializer):
    author = serializers.CharField(source="author.name")

    class Meta:
        model = Book
        fields = ("id", "title", "price", "published", "author")


class Books(generics.ListAPIView):
    queryset = Book.objects.select_related("author").order_by("title")[:20]
    serializer_class = BookSerializer


urlpatterns = [
    path("hello/", hello),
    path("slow/", slow),
    path("books/", Books.as_view()),
]
