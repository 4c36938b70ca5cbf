"""Groups without a name, beside named ones and in prefixes."""

from django.urls import include, re_path

from urlconfs import view

urlpatterns = [
    re_path(r"^(\d+)/(\w+)/$", view()),
    re_path(r"^(\d+)/(?P<name>\w+)$", view()),
    re_path(r"^(a|b)/(c|d)/", include([re_path(r"^(e(f)?)$", view()), re_path(r"^$", view())])),
    re_path(r"^((((x))))?y$", view()),
]

PATHS = ("/1/a/", "/1/a", "/a/c/e", "/b/d/ef", "/b/d/", "/y", "/xy", "/c/c/e")
