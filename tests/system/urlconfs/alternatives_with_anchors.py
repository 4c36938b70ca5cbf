"""An anchor in some of the alternatives."""

from django.urls import include, path, re_path

from urlconfs import view

urlpatterns = [
    re_path(r"^a/|^b/|c/", include([path("x/", view())])),
    re_path(r"(?:^|/)end", view()),
]

PATHS = ("/a/x/", "/b/x/", "/c/x/", "/yc/x/", "/ya/x/", "/end", "/x/end", "/xend")
