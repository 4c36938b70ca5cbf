"""Classes of characters beyond ASCII."""

from django.urls import re_path

from urlconfs import view

urlpatterns = [
    re_path(r"^w/\w+/$", view()),
    re_path(r"^d/\d+/$", view()),
    re_path(r"^s/\s+/$", view()),
    re_path(r"^n/\W\D\S/$", view()),
]

PATHS = (
    "/w/éß日本_9/",
    "/w/a-b/",
    "/d/٣४5/",
    "/d/½/",
    "/s/ \u00a0\u2003\x1c/",
    "/s/\u180e/",
    "/n/-x-/",
    "/n/x11/",
    "/w/\u203f/",
    "/w/\u0301/",
)
