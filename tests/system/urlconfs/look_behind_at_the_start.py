"""Look-behind that could reach before its own pattern."""

from django.urls import include, path, re_path

from urlconfs import view

urlpatterns = [
    path("x", include([re_path(r".?(?<!xy)z", view()), re_path(r"(?<!xy)q", view())])),
    path("<slug:any>", view()),
]

PATHS = ("/xz", "/xyz", "/xaz", "/xayz", "/abc", "/xyq", "/xq", "/xxyq")
INEXACT = ("a look-behind that may reach before its pattern's start",)
