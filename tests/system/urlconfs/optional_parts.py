"""Parts that may be missing."""

from django.urls import re_path

from urlconfs import view

urlpatterns = [
    re_path(r"^(?:(?P<lang>de|fr)/)?shop/$", view()),
    re_path(r"^(page(?P<n>\d+)/)?$", view()),
    re_path(r"^(?:a?b?)*c$", view()),
]

PATHS = ("/shop/", "/de/shop/", "/en/shop/", "/", "/page3/", "/page/", "/abc", "/c", "/bac", "/a")
