"""Runs of neighbours on one stack, with those between them on the other."""

from django.urls import path, re_path

from urlconfs import view

urlpatterns = [
    *(path(f"a{number}/", view()) for number in range(9)),
    re_path(r"^a\d/$", view()),
    *(path(f"a<int:n>/b{number}/", view()) for number in range(9)),
    path("<slug:s>/b3/", view()),
]

PATHS = ("/a0/", "/a8/", "/a9/", "/a1/b0/", "/a1/b8/", "/a1/b9/", "/x/b3/", "/ax/b3/", "/a10/")
