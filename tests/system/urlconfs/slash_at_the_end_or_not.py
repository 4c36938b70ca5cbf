"""Two views that a slash tells apart, and one that takes both."""

from django.urls import path, re_path

from urlconfs import view

urlpatterns = [
    path("a", view()),
    path("a/", view()),
    path("b/", view()),
    re_path(r"^c/?$", view()),
    path("<slug:s>", view()),
]

PATHS = ("/a", "/a/", "/b", "/b/", "/c", "/c/", "/d", "/d/", "/a//")
