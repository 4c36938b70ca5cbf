"""A URLconf that includes itself is followed once."""

from django.urls import include, path

from urlconfs import view

urlpatterns = [
    path("a/", view()),
    path("again/<int:n>/", include(__name__)),
    path("<path:rest>", view()),
]

PATHS = ("/a/", "/again/1/a/", "/again/1/again/2/a/", "/again/1/x", "/again/", "/x")
INEXACT = ("a URLconf that includes itself",)
