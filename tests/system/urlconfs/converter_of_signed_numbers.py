"""Numbers with a sign, and with a certain number of digits."""

from django.urls import path
from django.urls.converters import IntConverter

from urlconfs import register, view


class Signed(IntConverter):
    regex = r"-?\d+"


class Digits(IntConverter):
    regex = r"\d{2,3}"


register(Signed, "signed")
register(Digits, "digits")
urlpatterns = [path("<digits:n>/", view()), path("<signed:n>/", view()), path("<str:n>/", view())]

PATHS = ("/1/", "/12/", "/1234/", "/-5/", "/--5/", "/\u0661\u0662/", "/-/", "/1-/")
