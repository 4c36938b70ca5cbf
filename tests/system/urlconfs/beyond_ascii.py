"""Letters, ideographs and emoji in a route."""

from django.urls import path, re_path

from urlconfs import view

urlpatterns = [
    path("straße/", view()),
    path("日本/<str:city>/", view()),
    re_path(r"^🎉+/$", view()),
    path("e\u0301/", view()),
]

PATHS = ("/straße/", "/STRASSE/", "/日本/京都/", "/🎉🎉/", "/🎉/", "/e\u0301/", "/é/")
