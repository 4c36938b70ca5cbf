"""A prefix without ^ is found at its leftmost place, and only there."""

from django.urls import include, path, re_path

from urlconfs import view

urlpatterns = [
    re_path(r"x\d", include([path("/y/", view()), path("z/", view())])),
    re_path(r"q|qq", include([re_path(r"^r$", view())])),
]

PATHS = ("/x1/y/", "/ax1/y/", "/x1x2/y/", "/x1z/", "/qr", "/qqr", "/aqr", "/xx1/y/")
