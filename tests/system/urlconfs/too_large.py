"""Patterns that are too much for PCRE or for NGINX."""

from django.urls import re_path

from urlconfs import view

urlpatterns = [
    re_path(r"^a/(?:[a-z]{3}x){9999}$", view()),
    re_path(rf"^b/(?:{'|'.join(f'word{n}x' for n in range(900))})$", view()),
    re_path(r"^c/x{65536}$", view()),
    re_path(r"^.*$", view()),
]

PATHS = ("/a/x", "/b/word77x", "/b/x", "/c/x", "/d")
INEXACT = (
    "a repeat that compiles to too much",
    "a pattern too long for NGINX",
    "a repeat of more than 65535",
)
