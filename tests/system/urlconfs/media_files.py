"""What static() makes of MEDIA_URL."""

from django.urls import path, re_path

from urlconfs import view

urlpatterns = [
    path("media/private/<str:name>", view()),
    re_path(r"^media/(?P<path>.*)$", view()),
    path("<slug:page>/", view()),
]

PATHS = ("/media/a.png", "/media/private/a", "/media/private/a/b", "/media/", "/media", "/medium/")
