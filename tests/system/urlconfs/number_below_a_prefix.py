"""A prefix that ends in a number."""

from django.urls import include, path

from urlconfs import view

urlpatterns = [
    path("lot<int:pk>", include([path("", view()), path("/bids/", view()), path("0/", view())]))
]

PATHS = ("/lot1", "/lot1/bids/", "/lot10/", "/lot0/", "/lot")
