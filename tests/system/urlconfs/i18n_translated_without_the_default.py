"""Translated routes, and no prefix for the default language."""

from django.conf.urls.i18n import i18n_patterns
from django.urls import path

from urlconfs import translated, view

urlpatterns = i18n_patterns(
    path(translated(en="houses/", de="haeuser/"), view()), prefix_default_language=False
)

PATHS = ("/houses/", "/de/haeuser/", "/de/houses/", "/haeuser/", "/en/houses/", "/pt-br/houses/")
