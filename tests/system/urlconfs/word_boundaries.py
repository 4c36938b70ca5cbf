"""Word boundaries, also where a pattern begins."""

from django.urls import include, path, re_path

from urlconfs import view

urlpatterns = [
    re_path(r"\bfoo\b", view()),
    re_path(r"^é\b.x$", view()),
    path(
        "a", include([re_path(r"\bb$", view()), re_path(r"\B/", view()), re_path(r"\B\Z", view())])
    ),
]

PATHS = ("/foo", "/x foo y", "/xfoo", "/é x", "/éxx", "/ab", "/a/", "/a", "/axb", "/a b", "/é/x")
