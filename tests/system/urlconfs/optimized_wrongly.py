"""Optional parts in an atomic group or a look-ahead, which PCRE2 10.42 optimizes wrongly."""

from django.urls import re_path

from urlconfs import view

urlpatterns = [
    re_path(r"^a*(?=(?:bc)?)a/$", view()),
    re_path(r"^b*(?>(?:cd)?)b/$", view()),
    re_path(r"^c*(?:de)?+c/$", view()),
]

PATHS = ("/a/", "/aa/", "/b/", "/c/", "/bc/")
