"""``\\Z``, and patterns that could only match behind the end."""

from django.urls import include, path, re_path

from urlconfs import view

urlpatterns = [
    re_path(r"^a/\Z", view()),
    re_path(r"^b\Z", include([path("", view()), path("c", view())])),
    re_path(r"^d\Ze", view()),
]

PATHS = ("/a/", "/a/\n", "/a/b", "/b", "/bc", "/d", "/de")
