"""Dots between slashes, which the edge would take away and Django does not."""

from django.urls import path, re_path

from urlconfs import view

urlpatterns = [
    path("a/../b/", view()),
    path("b/", view()),
    path("./c", view()),
    re_path(r"^\.{3}/$", view()),
    path("<path:p>", view()),
]

PATHS = ("/a/../b/", "/b/", "/./c", "/c", "/.../", "/.well-known/x", "/a/..b/", "/x/..")
