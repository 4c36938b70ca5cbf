"""Translated routes below the language's prefix."""

from django.conf.urls.i18n import i18n_patterns
from django.urls import include, path, re_path

from urlconfs import translated, view

urlpatterns = i18n_patterns(
    path(translated(en="houses/", de="häuser/"), view()),
    re_path(translated(en=r"^cars?/$", de=r"^autos?/$"), include([path("", view())])),
    path(translated(en="cat/", de="katze/"), include([path("<int:pk>/", view())])),
)

PATHS = (
    "/en/houses/",
    "/de/häuser/",
    "/de/houses/",
    "/pt-br/houses/",
    "/en/car/",
    "/de/autos/",
    "/de/cars/",
    "/de/katze/1/",
    "/en/katze/1/",
    "/en/cat/1/",
)
