"""Anchors at every line."""

from django.urls import include, path, re_path

from urlconfs import view

urlpatterns = [
    re_path(r"(?m)a$", view()),
    path("p/", include([re_path(r"(?m)^b\Z", view()), re_path(r"(?m)c$.d$", view())])),
]

PATHS = ("/a", "/a\nb", "/ab", "/p/b", "/p/x\nb", "/p/xb", "/p/c\n")
