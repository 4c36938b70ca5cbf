"""A route that begins with a slash means two of them."""

from django.urls import path

from urlconfs import view

urlpatterns = [path("/events/", view()), path("events/", view()), path("a//b", view())]

PATHS = ("/events/", "//events/", "///events/", "/a//b", "/a/b")
