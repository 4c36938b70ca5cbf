"""FORCE_SCRIPT_NAME: the path may begin with it, and means the same without it."""

from django.urls import path, re_path

from urlconfs import view

urlpatterns = [
    path("", view()),
    path("a/", view()),
    path("app/", view()),
    re_path(r"^(?!a)\w+$", view()),
    path("<int:n>/<path:rest>", view()),
]

PATHS = ("/", "/app", "/app/", "/app/a/", "/a/", "/app/app/", "/apple", "/app/b", "/b", "/app/1/x")
SETTINGS = {"FORCE_SCRIPT_NAME": "/app"}
