"""Routes without parameters: each matches one path."""

from django.urls import path

from urlconfs import view

urlpatterns = [path("", view()), path("about/", view()), path("about/team/", view())]

PATHS = ("/", "/about/", "/about/team/", "/abou/", "/about/team/x/")
