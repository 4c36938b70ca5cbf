"""References that the two engines may take differently."""

from django.urls import re_path

from urlconfs import view

urlpatterns = [
    re_path(r"^one/(?:(a)|b)*\1$", view()),
    re_path(r"(?i)^two/(a)\1$", view()),
    re_path(r"^.*$", view()),
]

PATHS = ("/one/aa", "/one/aba", "/one/b", "/two/aA", "/two/ab", "/three")
INEXACT = ("a back-reference to a repeated group", "a back-reference that ignores case")
