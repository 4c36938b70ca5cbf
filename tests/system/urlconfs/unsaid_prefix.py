"""A prefix that can't be expressed: what lies below it is not known exactly either."""

from django.urls import include, path, re_path

from urlconfs import view

urlpatterns = [
    path("x/", include([re_path(r"a?^b", include([path("/c/", view()), path("/d/", view())]))])),
    path("<path:rest>", view()),
]

PATHS = ("/x/b/c/", "/x/b/d/", "/x/ab/c/", "/y/")
INEXACT = ("an anchor or a word boundary behind something optional",)
