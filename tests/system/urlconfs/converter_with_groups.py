"""Converters with groups, alternatives and flags."""

from django.urls import path
from django.urls.converters import StringConverter

from urlconfs import register, view


class Order(StringConverter):
    regex = "asc|desc"


class Code(StringConverter):
    regex = "(?i:[a-z]{2})(-[0-9]+)?"


register(Order, "order")
register(Code, "code")
urlpatterns = [path("<order:o>/", view()), path("<code:c>/x", view()), path("<str:s>/", view())]

PATHS = ("/asc/", "/desc/", "/ascdesc/", "/ab-1/x", "/AB/x", "/ab-/x", "/as/")
