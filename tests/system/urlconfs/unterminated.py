"""A regex without $ takes whatever follows."""

from django.urls import re_path

from urlconfs import view

urlpatterns = [re_path(r"^foo", view()), re_path(r"^b(?:a|ar)", view()), re_path(r"^c/?", view())]

PATHS = ("/foo", "/foobar/baz", "/fo", "/bar/x", "/c", "/c/x", "/\nfoo")
