"""A regex without ^ matches anywhere in what is left."""

from django.urls import re_path

from urlconfs import view

urlpatterns = [re_path(r"foo/$", view()), re_path(r"bar", view()), re_path(r"baz/\Z", view())]

PATHS = ("/foo/", "/xfoo/", "/bar", "/a/bar/b", "/a/baz/", "/a\nbar", "/baz/\n")
