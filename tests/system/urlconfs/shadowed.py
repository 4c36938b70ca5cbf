"""Earlier routes that take some of a later one's paths."""

from django.urls import path

from urlconfs import view

urlpatterns = [
    path("new/", view()),
    path("<slug:s>/", view()),
    path("old/", view()),
    path("<str:s>/", view()),
]

PATHS = ("/new/", "/old/", "/a.b/", "/é/")
