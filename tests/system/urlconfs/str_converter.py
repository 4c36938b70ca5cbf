"""``str``: anything but a slash, a newline included."""

from django.urls import path

from urlconfs import view

urlpatterns = [path("tags/<name>/", view()), path("<str:a>/<str:b>", view())]

PATHS = ("/tags/a b/", "/tags//", "/tags/a\nb/", "/tags/日本/", "/tags/a/b/", "/x/y", "/x/")
