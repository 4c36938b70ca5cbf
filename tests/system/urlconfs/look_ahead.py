"""Look-ahead, as in a catch-all for a single-page application."""

from django.urls import include, re_path

from urlconfs import view

urlpatterns = [
    re_path(r"^(?!(api|admin)).*/?$", view()),
    re_path(r"^(?=api/\w+/).+/$", view()),
    re_path(r"^admin(?!/)", include([re_path(r"^istrator$", view())])),
]

PATHS = ("/", "/home/", "/api/x/", "/api/", "/admin/", "/administrator", "/ap", "/home\n")
