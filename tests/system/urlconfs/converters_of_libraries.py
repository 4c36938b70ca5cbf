"""Converters as django-ninja and Django REST framework write them: none ever refuses a value."""

from django.urls import path
from django.urls.converters import UUIDConverter

from urlconfs import register, view

UUID = "0b5f5e0e-5b1e-4b0c-9c6e-5a4f7d1a2b3c"
PATHS = [f"/keys/{UUID}/", "/root.json", "/keys/x/", "/root", f"/keys/{UUID}/x", "/root.JSON/"]


class UUIDStr(UUIDConverter):
    def to_python(self, value):
        return value


class FormatSuffix:
    regex = r"\.[a-z0-9]+/?"

    def to_python(self, value):
        return value.strip("./")

    def to_url(self, value):
        return f".{value}"


register(UUIDStr, "uuid_of_a_library")
register(FormatSuffix, "suffix_of_a_library")
urlpatterns = [
    path("keys/<uuid_of_a_library:key>/", view()),
    path("root<suffix_of_a_library:format>", view()),
    path("<path:rest>", view()),
]
