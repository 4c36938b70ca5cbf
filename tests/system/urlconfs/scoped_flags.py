"""Flags for a part of a pattern."""

from django.urls import re_path

from urlconfs import view

urlpatterns = [
    re_path(r"^(?i:ab)cd$", view()),
    re_path(r"(?i)^x(?-i:y)z$", view()),
    re_path(r"^(?s:.)-.$", view()),
    re_path(r"^(?a:\d)\d$", view()),
]

PATHS = (
    "/abcd",
    "/ABcd",
    "/abCD",
    "/xyz",
    "/XyZ",
    "/xYz",
    "/\n-a",
    "/a-\n",
    "/11",
    "/1\u0661",
    "/\u06611",
)
