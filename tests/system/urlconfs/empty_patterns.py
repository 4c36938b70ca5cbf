"""Patterns that match nothing at all."""

from django.urls import include, path, re_path

from urlconfs import view

urlpatterns = [
    path("", include([path("a/", view()), re_path(r"", include([re_path(r"^b/$", view())]))])),
    re_path(r"^$", view()),
    path("c/", include([path("", include([path("", view())])), re_path(r"", view())])),
]

PATHS = ("/a/", "/b/", "/", "/c/", "/c/x", "/d")
