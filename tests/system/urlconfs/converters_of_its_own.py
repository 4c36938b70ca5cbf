"""Converters whose conversion can't fail: they inherit a built-in one."""

from django.urls import path
from django.urls.converters import IntConverter, StringConverter

from urlconfs import register, view


class Year(IntConverter):
    regex = "[12][0-9]{3}"


class Anything(StringConverter):
    regex = ".*"


register(Year, "year")
register(Anything, "anything")
urlpatterns = [path("<year:y>/", view()), path("any<anything:x>", view())]

PATHS = ("/2024/", "/3024/", "/any", "/any/x/y", "/any\n", "/an")
