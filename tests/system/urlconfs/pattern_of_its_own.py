"""Classes that match or resolve in their own way."""

from django.urls import URLPattern, include, path
from django.urls.resolvers import RoutePattern

from urlconfs import view


class Upper(RoutePattern):
    def match(self, path):
        return super().match(path.lower())


class Never(URLPattern):
    def resolve(self, path):
        return None


urlpatterns = [
    path("a/", include([URLPattern(Upper("b/", is_endpoint=True), view())])),
    Never(RoutePattern("c/", is_endpoint=True), view()),
    path("<path:rest>", view()),
]

PATHS = ("/a/b/", "/a/B/", "/a/x/", "/c/", "/d/")
INEXACT = ("a custom pattern class, Upper", "a URL pattern class with a custom resolve()")
