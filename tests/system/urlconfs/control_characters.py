"""Characters that no configuration file can hold as they are."""

from django.urls import path, re_path

from urlconfs import view

urlpatterns = [
    path("a\tb/", view()),
    re_path(r"^c\nd$", view()),
    path("e\x7f\u00a0\u200b/", view()),
]

PATHS = ("/a\tb/", "/a b/", "/c\nd", "/e\x7f\u00a0\u200b/", "/e/")
