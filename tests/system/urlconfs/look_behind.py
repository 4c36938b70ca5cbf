"""Look-behind that stays inside its own pattern."""

from django.urls import include, path, re_path

from urlconfs import view

urlpatterns = [
    re_path(r"^\w+(?<!x)/$", view()),
    re_path(r"^ab(?<=ab)c$", view()),
    re_path(r"(?<!q)tail$", view()),
    path("pre", include([re_path(r"(?<=e)fix$", view()), re_path(r"(?<!e)fix$", view())])),
]

PATHS = ("/ab/", "/ax/", "/abc", "/tail", "/qtail", "/rtail", "/prefix", "/preefix")
