"""A percent sign, a plus and a question mark in a path are characters like any other."""

from django.urls import path, re_path

from urlconfs import view

urlpatterns = [
    path("100%/", view()),
    path("a+b/", view()),
    path("why?/", view()),
    re_path(r"^%[0-9A-F]{2}/$", view()),
    path("#top/", view()),
    path("<str:s>/", view()),
]

PATHS = ("/100%/", "/a+b/", "/a b/", "/why?/", "/%2F/", "/%FF/", "/#top/", "/%/")
