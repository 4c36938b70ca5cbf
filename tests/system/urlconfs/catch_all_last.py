"""A catch-all behind takes the rest."""

from django.urls import path, re_path

from urlconfs import view

urlpatterns = [path("a/", view()), path("a/<int:pk>/", view()), re_path(r"^.*$", view())]

PATHS = ("/", "/a/", "/a/1/", "/a/b/", "/a\nb")
