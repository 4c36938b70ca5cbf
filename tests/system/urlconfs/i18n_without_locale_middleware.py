"""Nothing that takes the language from the path: the default one is always active."""

from django.conf.urls.i18n import i18n_patterns
from django.urls import path

from urlconfs import translated, view

urlpatterns = [
    *i18n_patterns(path("b/", view())),
    path(translated(en="houses/", de="haeuser/"), view()),
    path("<slug:s>/b/", view()),
]

PATHS = ("/b/", "/en/b/", "/de/b/", "/x/b/", "/houses/", "/haeuser/")
SETTINGS = {"MIDDLEWARE": ["oracle.served.with_the_urlconf_that_is_asked_for"]}
INEXACT = (
    "no LocaleMiddleware takes the language from the path",
    "it is translated, and the path does not name the language",
)
