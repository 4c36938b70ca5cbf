"""Translated routes whose language the path doesn't tell."""

from django.urls import path

from urlconfs import translated, view

urlpatterns = [
    path(translated(en="houses/", de="haeuser/"), view()),
    path(translated(en="same/"), view()),
    path("<path:rest>", view()),
]

PATHS = ("/houses/", "/haeuser/", "/same/", "/x")
INEXACT = ("it is translated, and the path does not name the language",)
