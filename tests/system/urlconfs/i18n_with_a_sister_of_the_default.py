"""No prefix for a default language that has another one as a variant."""

from django.conf.urls.i18n import i18n_patterns
from django.urls import path

from urlconfs import view

urlpatterns = [
    path("a/", view()),
    *i18n_patterns(path("b/", view()), prefix_default_language=False),
    path("<slug:s>/b/", view()),
]

PATHS = ("/a/", "/b/", "/en/b/", "/en-gb/b/", "/en-nz/b/", "/x/b/")
SETTINGS = {"LANGUAGES": [["en", "English"], ["en-gb", "British English"]]}
INEXACT = ("a path can name the default language and another one in the same way",)
