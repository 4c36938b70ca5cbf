"""Converters whose regex matches the empty text as well."""

from django.urls import include, path
from django.urls.converters import StringConverter

from urlconfs import register, view


class Maybe(StringConverter):
    regex = "[a-z]*"


class Optional:
    regex = r"(?:\d+)?"

    def to_python(self, value):
        return int(value or 0)

    def to_url(self, value):
        return str(value)


register(Maybe, "maybe")
register(Optional, "optional")
urlpatterns = [
    path("a<maybe:x>/", view()),
    path("b/<maybe:x>", include([path("", view()), path("1/", view())])),
    path("c/<optional:x>", view()),
    path("<path:rest>", view()),
]

PATHS = ("/a/", "/ab/", "/a1/", "/b/", "/b/x", "/b/1/", "/b/x1/", "/c/", "/c/7", "/c/x")
INEXACT = ("the converter Optional may refuse a value",)
