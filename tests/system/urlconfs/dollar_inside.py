"""A $ that doesn't end the pattern."""

from django.urls import re_path

from urlconfs import view

urlpatterns = [
    re_path(r"^(?:a$|b)", view()),
    re_path(r"^(?:c|d$)\Z", view()),
    re_path(r"^e$\n", view()),
]

PATHS = ("/a", "/a\n", "/ab", "/b", "/bx", "/c", "/d", "/d\n", "/e\n", "/e")
