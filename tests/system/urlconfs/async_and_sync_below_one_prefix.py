"""Neighbours below one prefix, on either stack in turn."""

from django.urls import include, path

from urlconfs import view

urlpatterns = [
    path("api/", include([path(f"{name}/", view()) for name in ("a", "b", "c", "d", "e", "f")])),
    path("api/<str:name>/", view()),
    path("api/<str:name>/<int:pk>", view()),
]

PATHS = ("/api/a/", "/api/b/", "/api/f/", "/api/g/", "/api/a/1", "/api/", "/api/ab/")
