"""One view on two routes, and one route twice."""

from django.urls import path

from urlconfs import view

one = view()
urlpatterns = [path("a/", one), path("b/", view()), path("<slug:s>/", one), path("a/", view())]

PATHS = ("/a/", "/b/", "/c/")
