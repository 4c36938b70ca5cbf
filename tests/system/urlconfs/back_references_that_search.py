"""References in patterns that match anywhere."""

from django.urls import include, re_path

from urlconfs import view

urlpatterns = [
    re_path(r"(a|b)-\1", include([re_path(r"^/(.)\1/$", view()), re_path(r"^$", view())])),
    re_path(r"^(c)?(?(1)d|e)$", view()),
]

PATHS = ("/a-a", "/b-b/xx/", "/b-a-a/xx/", "/b-a/xx/", "/a-a/xy/", "/cd", "/e", "/ce", "/d")
