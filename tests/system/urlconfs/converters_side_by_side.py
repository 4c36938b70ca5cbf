"""A parameter that gives back what the next one needs."""

from django.urls import path

from urlconfs import view

urlpatterns = [path("<int:a><str:b>/", view()), path("<str:a><int:b>", view())]

PATHS = ("/12/", "/1/", "/1a/", "/a1", "/a", "/12")
