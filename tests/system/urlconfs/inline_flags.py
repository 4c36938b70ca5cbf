"""Flags for a whole pattern."""

from django.urls import re_path

from urlconfs import view

urlpatterns = [
    re_path(r"(?i)^about/$", view()),
    re_path(r"(?s)^any.thing$", view()),
    re_path(
        r"""(?x) ^ spaced / # and a comment, with a ]
 out/ $""",
        view(),
    ),
    re_path(r"(?a)^\w+$", view()),
    re_path(r"(?m)^line$", view()),
]

PATHS = (
    "/about/",
    "/AbOuT/",
    "/any\nthing",
    "/spaced/out/",
    "/spaced /out/",
    "/abc",
    "/é",
    "/line",
    "/a\nline",
    "/line\nx",
)
