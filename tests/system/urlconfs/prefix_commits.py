"""A regex prefix matches once; no other way to match it is tried."""

from django.urls import include, re_path

from urlconfs import view

urlpatterns = [
    re_path(r"^a+", include([re_path(r"^ab$", view()), re_path(r"^b$", view())])),
    re_path(r"^(?:x|xy)", include([re_path(r"^z$", view())])),
    re_path(r"^(?:a|x).*$", view()),
]

PATHS = ("/aab", "/ab", "/b", "/xz", "/xyz", "/aaab", "/xyy")
