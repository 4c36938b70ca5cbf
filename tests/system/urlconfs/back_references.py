"""References to groups, by number and by name."""

from django.urls import include, path, re_path

from urlconfs import view

urlpatterns = [
    re_path(r"^(\w+)/(\w+)/\2/\1/$", view()),
    re_path(r"^(?P<a>[ab])x(?P=a)$", view()),
    re_path(r"^(?:(c)|d)\1$", view()),
    path("in/", include([re_path(r"^(.)\1$", view())])),
]

PATHS = ("/a/b/b/a/", "/a/b/a/b/", "/axa", "/axb", "/cc", "/d", "/dc", "/in/zz", "/in/zy")
