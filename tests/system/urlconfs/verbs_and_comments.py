"""What only one of the two engines would take for a comment, a verb or a quotation."""

from django.urls import path, re_path

from urlconfs import view

urlpatterns = [
    re_path(r"^a(?#a comment)b$", view()),
    path("(*UTF8)/", view()),
    path("(?i)c/", view()),
    re_path(r"^d\+\Z", view()),
    path("\\Qg\\E/", view()),
]

PATHS = ("/ab", "/(*UTF8)/", "/(?i)c/", "/C/", "/d+", "/\\Qg\\E/", "/g/")
