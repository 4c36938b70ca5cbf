"""{n}, {0}, {n,m} and {n,}."""

from django.urls import re_path

from urlconfs import view

urlpatterns = [
    re_path(r"^\d{4}/$", view()),
    re_path(r"^ab{0}c/$", view()),
    re_path(r"^x{2,3}(?:yz){2,}$", view()),
    re_path(r"^{}{,2}$", view()),
]

PATHS = (
    "/2024/",
    "/202/",
    "/ac/",
    "/abc/",
    "/xxyzyz",
    "/xxxxyzyz",
    "/xxyz",
    "/{}}",
    "/{}}}}",
    "/{}{,2}",
)
