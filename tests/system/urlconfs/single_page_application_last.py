"""The same behind everything else, however it is written."""

from django.urls import path, re_path

from urlconfs import view

urlpatterns = [
    path("api/", view()),
    re_path(r"^app(?:/.*)?$", view()),
    re_path(r"^(?P<path>.*)/$", view()),
    re_path(r"^(?:.*)/?$", view()),
]

PATHS = ("/api/", "/app", "/app/", "/app/x/y", "/apple", "/x/", "/x", "/", "/a\nb/")
