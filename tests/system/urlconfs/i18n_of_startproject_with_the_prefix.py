"""The same, with a prefix for each language."""

from django.conf.urls.i18n import i18n_patterns
from django.urls import path

from urlconfs import view

urlpatterns = [*i18n_patterns(path("b/", view())), path("<slug:s>/b/", view()), path("b/", view())]

PATHS = ("/b/", "/en/b/", "/en-us/b/", "/en-gb/b/", "/de/b/", "/x/b/")
SETTINGS = {"LANGUAGE_CODE": "en-us"}
