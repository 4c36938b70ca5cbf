"""Converters that may refuse what their regex takes."""

from django.urls import include, path
from django.urls.converters import IntConverter

from urlconfs import register, view


class Even:
    regex = "[0-9]+"

    def to_python(self, value):
        if int(value) % 2:
            raise ValueError
        return int(value)

    def to_url(self, value):
        return str(value)


class Hexadecimal(IntConverter):
    regex = "[0-9a-f]+"


register(Even, "even")
register(Hexadecimal, "hexadecimal")
urlpatterns = [
    path("a/<even:n>/", view()),
    path("b/<hexadecimal:n>/", include([path("c/", view())])),
    path("<path:rest>", view()),
]

PATHS = ("/a/2/", "/a/3/", "/a/x/", "/b/1/c/", "/b/f/c/", "/b/g/c/")
INEXACT = ("the converter Even may refuse a value", "the converter Hexadecimal may refuse a value")
