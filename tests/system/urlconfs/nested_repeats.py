"""Repeats within repeats, which an engine may take long for."""

from django.urls import re_path

from urlconfs import view

urlpatterns = [
    re_path(r"^(?:[a-z]+/)*$", view()),
    re_path(r"^(?:[a-z]+-?)+/x$", view()),
    re_path(r"^(?P<path>(?:[\w-]+/)+)(?P<name>[\w-]+\.html)$", view()),
]

PATHS = ("/a/b/c/", "/a-b-c/x", "/a/b/c.html", "/a/b/c", "/", f"/{'a/' * 300}")
