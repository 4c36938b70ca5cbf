"""Sets of characters: ranges, negated ones, and classes inside them."""

from django.urls import re_path

from urlconfs import view

urlpatterns = [
    re_path(r"^1[^\W\d_]+$", view()),
    re_path(r"^2[\w.-]+$", view()),
    re_path(r"^3[]^\-\[\\]+$", view()),
    re_path(r"^4[^/\s]+$", view()),
    re_path(r"^5[\W-]+$", view()),
    re_path(r"^6[\S\n]+[à-ü]$", view()),
]

PATHS = (
    "/1aé",
    "/1a1",
    "/1_",
    "/2a.b-c_é",
    "/2a b",
    "/3]^-[\\\\",
    "/3a",
    "/4ab",
    "/4a b",
    "/4a/",
    "/5-+ ",
    "/5a",
    "/6é\nü",
    "/6 a",
)
