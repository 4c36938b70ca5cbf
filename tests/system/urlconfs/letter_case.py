"""Case is ignored by Python's rules, not by PCRE's."""

from django.urls import re_path

from urlconfs import view

urlpatterns = [
    re_path(r"(?i)^straße/$", view()),
    re_path(r"(?i)^[a-z]{2}\d/$", view()),
    re_path(r"(?i)^[^a-z]{3}$", view()),
    re_path(r"(?ai)^kiss$", view()),
    re_path(r"(?i)^\u03c3[\u03b1-\u03c9]+$", view()),
]

PATHS = (
    "/straße/",
    "/STRAẞE/",
    "/\u017ftrasse/",
    "/İ\u01311/",
    "/K\u017f2/",
    "/12\u0131",
    "/123",
    "/KISS",
    "/\u212aiss",
    "/ςΣ",
    "/\u03c3\u03b1ς",
)
