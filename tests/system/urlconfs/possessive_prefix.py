"""A prefix that stops in the middle of what follows."""

from django.urls import include, path, re_path

from urlconfs import view

urlpatterns = [
    re_path(r"^[a-z]+", include([path("", view()), path("1/", view()), path("a/", view())])),
    re_path(r"^[a-z]{2}", include([path("a/", view())])),
    re_path(r"^(?P<rest>.+)$", view()),
]

PATHS = ("/abc", "/abc1/", "/aba/", "/ab1/", "/1", "/é")
