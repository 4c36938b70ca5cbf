"""Prefixes of every kind, four deep."""

from django.urls import include, path, re_path

from urlconfs import view

innermost = [path("<slug:s>/", view()), re_path(r"^(?P<n>\d+)$", view())]
inner = [re_path(r"^in/", include(innermost)), path("<int:pk>/", include(innermost))]
urlpatterns = [path("a/", include([path("b/", include(inner))])), path("<path:p>", view())]

PATHS = ("/a/b/in/x/", "/a/b/in/7", "/a/b/5/x/", "/a/b/5/7", "/a/b/in/", "/a/c/")
