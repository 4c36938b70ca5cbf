"""The language's prefix in front of every path."""

from django.conf.urls.i18n import i18n_patterns
from django.urls import path

from urlconfs import view

urlpatterns = [
    path("api/", view()),
    *i18n_patterns(path("", view()), path("about/", view()), path("lots/<int:pk>/", view())),
    path("<path:rest>", view()),
]

PATHS = (
    "/api/",
    "/en/",
    "/de/about/",
    "/pt-br/lots/1/",
    "/pt/about/",
    "/fr/about/",
    "/DE/about/",
    "/about/",
    "/de-at/about/",
    "/en",
)
