"""Case is ignored by Python's rules, not by PCRE's."""

from django.urls import re_path

from urlconfs import view

urlpatterns = [
    re_path(r"(?i)^straße/$", view()),
    re_path(r"(?i)^[a-z]{2}\d/$", view()),
    re_path(r"(?i)^[^a-z]{3}$", view()),
    re_path(r"(?ai)^kiss$", view()),
    re_path(r"(?i)^σ[α-ω]+$", view()),
]

PATHS = (
    "/straße/",
    "/STRAẞE/",
    "/ſtrasse/",
    "/İı1/",
    "/Kſ2/",
    "/12ı",
    "/123",
    "/KISS",
    "/\u212aiss",
    "/ςΣ",
    "/σας",
)
