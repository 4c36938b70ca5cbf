"""Slashes that follow one another are as many as there are."""

from django.urls import include, path

from urlconfs import view

urlpatterns = [
    path("/", view()),
    path("/events/", view()),
    path("a/", include([path("/b/", view()), path("b/", view())])),
    path("<path:rest>//", view()),
]

PATHS = ("//", "//events/", "/events/", "/a//b/", "/a/b/", "/a///b/", "/x//", "/", "/x//y")
