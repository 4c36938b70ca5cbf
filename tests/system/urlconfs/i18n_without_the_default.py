"""No prefix for the default language."""

from django.conf.urls.i18n import i18n_patterns
from django.urls import path

from urlconfs import view

urlpatterns = [
    path("api/", view()),
    *i18n_patterns(
        path("", view()),
        path("<slug:s>/", view()),
        path("<path:p>", view()),
        prefix_default_language=False,
    ),
]

PATHS = (
    "/api/",
    "/",
    "/de/",
    "/de",
    "/de/x/",
    "/en/x/",
    "/fr/x/",
    "/DE/x/",
    "/de-at/x/",
    "/de-at",
    "/pt/x/",
    "/pt-pt/x",
    "/pt-br/x/",
    "/de@x/y",
    "/de-a@b/c",
    "/dex/",
    "/zh-tw/x/",
    "/de_at/x",
    "/de-a-b-c/x",
)
