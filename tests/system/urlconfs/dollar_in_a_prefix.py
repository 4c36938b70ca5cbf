"""A $ in a prefix lets one last newline by."""

from django.urls import include, path, re_path

from urlconfs import view

urlpatterns = [re_path(r"^a/$", include([path("", view()), re_path(r"^\n$", view())]))]

PATHS = ("/a/", "/a/\n", "/a/\n\n", "/a/b")
