"""One list of patterns below several prefixes and namespaces."""

from django.urls import include, path

from urlconfs import view

shared = ([path("", view(), name="list"), path("<int:pk>/", view(), name="one")], "shared")
urlpatterns = [path("a/", include(shared, namespace="x")), path("<slug:s>/", include(shared))]

PATHS = ("/a/", "/a/1/", "/b/", "/b/1/", "/a/b/")
