"""A single view, and so a single rule or none."""

from django.urls import path

from urlconfs import view

urlpatterns = [path("a/", view())]

PATHS = ("/a/", "/", "/b/")
