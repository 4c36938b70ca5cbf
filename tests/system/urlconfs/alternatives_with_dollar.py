"""All of the path must match, whichever alternative the $ stands in."""

from django.urls import re_path

from urlconfs import view

urlpatterns = [
    re_path(r"^a|b$", view()),
    re_path(r"c|^cd$", view()),
    re_path(r"^(?:e|ef)$", view()),
]

PATHS = ("/a", "/ax", "/b", "/xb", "/c", "/cd", "/xc", "/e", "/ef", "/a\n")
