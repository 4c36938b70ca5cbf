"""Repeats and groups that give nothing back."""

from django.urls import re_path

from urlconfs import view

urlpatterns = [
    re_path(r"^a*+ab?$", view()),
    re_path(r"^(?>x|xy)z$", view()),
    re_path(r"^a++b$", view()),
]

PATHS = ("/ab", "/aab", "/b", "/xz", "/xyz", "/a")
