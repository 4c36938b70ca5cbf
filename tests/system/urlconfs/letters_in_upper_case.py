"""Case matters, in a route, in a set and in the encoding of a character."""

from django.urls import path, re_path

from urlconfs import view

urlpatterns = [path("About/", view()), path("ABOUT/", view()), re_path(r"^[A-M]\w*/$", view())]

PATHS = ("/About/", "/ABOUT/", "/about/", "/Lots/", "/Zoo/", "/É/")
