"""A default language that is no supported one, as startproject has it."""

from django.conf.urls.i18n import i18n_patterns
from django.urls import path

from urlconfs import view

urlpatterns = [
    path("a/", view()),
    *i18n_patterns(path("b/", view()), prefix_default_language=False),
    path("<slug:s>/b/", view()),
]

PATHS = ("/a/", "/b/", "/en/b/", "/en-us/b/", "/en-gb/b/", "/de/b/", "/x/b/")
SETTINGS = {"LANGUAGE_CODE": "en-us"}
