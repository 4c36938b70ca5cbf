"""Alternatives, one of them empty."""

from django.urls import include, re_path

from urlconfs import view

urlpatterns = [
    re_path(r"^(?:|a)/$", view()),
    re_path(r"^b(?:c|)d?$", view()),
    re_path(r"^(|e)", include([re_path(r"^f$", view()), re_path(r"^ef$", view())])),
    re_path(r"^g(?:h|)*i$", view()),
]

PATHS = ("//", "/a/", "/b", "/bc", "/bd", "/f", "/ef", "/eef", "/gi", "/ghhi")
