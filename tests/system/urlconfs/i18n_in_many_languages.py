"""Variants and scripts of a language, and codes that stand for others."""

from django.conf.urls.i18n import i18n_patterns
from django.urls import path

from urlconfs import translated, view

urlpatterns = i18n_patterns(
    path("a/", view()),
    path(translated(en="house/", de="haus/", **{"zh-hans": "房子/", "sr-latn": "kuca/"}), view()),
)

PATHS = (
    "/en-gb/a/",
    "/de/haus/",
    "/zh-hans/房子/",
    "/zh-hant/house/",
    "/zh-cn/a/",
    "/zh/a/",
    "/sr-latn/kuca/",
    "/sr/a/",
    "/pt/house/",
    "/pt-br/house/",
    "/nb/a/",
    "/no/a/",
    "/EN-GB/a/",
)
SETTINGS = {
    "LANGUAGES": [
        [code, code] for code in ("de", "en-gb", "nb", "pt", "sr-latn", "zh-hans", "zh-hant")
    ],
    "LANGUAGE_CODE": "de",
}
