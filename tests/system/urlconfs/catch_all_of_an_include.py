"""A catch-all below a prefix takes nothing from beside it, and what follows it is out of reach."""

from django.urls import include, path, re_path

from urlconfs import view

urlpatterns = [
    path(
        "a/", include([path("b/", view()), re_path(r"^(?P<url>.*)$", view()), path("c/", view())])
    ),
    path("a/d/", view()),
    path("ab/", view()),
    re_path("", include([path("e/", view())])),
]

PATHS = ("/a/", "/a/b/", "/a/c/", "/a/d/", "/ab/", "/a", "/e/", "/a/\n")
