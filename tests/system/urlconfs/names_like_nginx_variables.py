"""Group names that NGINX has variables for."""

from django.urls import path, re_path

from urlconfs import view

urlpatterns = [
    re_path(r"^(?P<uri>\w+)/(?P<args>\d+)/$", view()),
    path("<host>/<slug:request_uri>", view()),
]

PATHS = ("/a/1/", "/a/b", "/a/1", "/é/1/")
