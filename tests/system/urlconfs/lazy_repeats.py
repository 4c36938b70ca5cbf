"""A lazy prefix leaves more to what follows."""

from django.urls import include, re_path

from urlconfs import view

urlpatterns = [
    re_path(r"^a+?", include([re_path(r"^a$", view()), re_path(r"^b$", view())])),
    re_path(r"^.*?/x", include([re_path(r"^/x$", view()), re_path(r"^$", view())])),
]

PATHS = ("/aa", "/aab", "/ab", "/q/x/x", "/q/x", "/q/x/x/x", "//x")
