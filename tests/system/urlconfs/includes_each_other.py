"""Two lists of patterns that lead to each other."""

from django.urls import include, path

from urlconfs import view

one = [path("a/", view())]
other = [path("b/", view()), path("one/", include(one))]
one += [path("other/", include(other)), path("c/", view())]
urlpatterns = [*one, path("<path:rest>", view())]

PATHS = ("/a/", "/other/b/", "/other/one/a/", "/other/one/other/b/", "/c/", "/other/one/c/", "/x")
INEXACT = ("a URLconf that includes itself",)
