"""A ^ whose place decides whether it can match."""

from django.urls import re_path

from urlconfs import view

urlpatterns = [re_path(r"a?^b", view()), re_path(r"^c^d|^e", view()), re_path(r"^.*$", view())]

PATHS = ("/b", "/ab", "/cd", "/e", "/x")
INEXACT = ("an anchor or a word boundary behind something optional",)
