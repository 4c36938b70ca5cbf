"""The same, and no prefix for a default that is a variant."""

from django.conf.urls.i18n import i18n_patterns
from django.urls import path

from urlconfs import view

urlpatterns = i18n_patterns(
    path("a/", view()), path("<str:s>/b/", view()), prefix_default_language=False
)

PATHS = (
    "/a/",
    "/de/a/",
    "/de-at/a/",
    "/en/b/",
    "/en-us/a/",
    "/zh-cn/b/",
    "/zh/b/",
    "/nb/b/",
    "/no/b/",
    "/en-gb/b/",
    "/x/b/",
)
SETTINGS = {
    "LANGUAGES": [[code, code] for code in ("de", "en-gb", "nb", "zh-hans")],
    "LANGUAGE_CODE": "en-gb",
}
