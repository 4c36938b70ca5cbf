"""``path``: anything but a newline, slashes included."""

from django.urls import path

from urlconfs import view

urlpatterns = [path("files/<path:name>/raw/", view()), path("files/<path:name>", view())]

PATHS = ("/files/a/b/raw/", "/files/raw/", "/files/a\nb/raw/", "/files/", "/files/a/raw/raw/")
