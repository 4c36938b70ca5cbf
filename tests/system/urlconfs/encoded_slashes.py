"""An encoded slash is a slash to Django, and to the edge's table."""

from django.urls import path

from urlconfs import view

urlpatterns = [
    path("files/<str:name>", view()),
    path("files/<str:folder>/<str:name>", view()),
    path("<path:p>", view()),
]

PATHS = ("/files/a", "/files/a/b", "/files/a/b/c", "/files//", "/files/a%2Fb")
