"""A letter and its accent, as one character or as two, are different paths."""

from django.urls import path, re_path

from urlconfs import view

urlpatterns = [
    path("caf\u00e9/", view()),
    path("cafe\u0301/", view()),
    re_path("^caf[\u00e8-\u00eb]$", view()),
    re_path(r"^(?i)\u00c5$".replace("^(?i)", "(?i)^"), view()),
]

PATHS = ("/caf\u00e9/", "/cafe\u0301/", "/caf\u00ea", "/\u00c5", "/\u00e5", "/\u212b", "/cafe/")
