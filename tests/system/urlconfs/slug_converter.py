"""``slug``: ASCII letters, digits, hyphen and underscore."""

from django.urls import path

from urlconfs import view

urlpatterns = [path("<slug:name>/", view())]

PATHS = ("/a-b_C9/", "/é/", "/a.b/", "/-/", "//")
