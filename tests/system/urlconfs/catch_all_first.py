"""A catch-all in front shadows everything behind."""

from django.urls import path, re_path

from urlconfs import view

urlpatterns = [re_path(r".*", view()), path("a/", view())]

PATHS = ("/", "/a/", "/a\nb")
