"""A prefix takes as much as it can, and nothing of it is given back."""

from django.urls import include, path

from urlconfs import view

urlpatterns = [
    path("<path:where>/", include([path("edit/", view()), path("<int:pk>", view())])),
    path("<path:rest>", view()),
]

PATHS = ("/a/edit/", "/a/b/edit/", "/a/edit", "/edit/", "/a/1", "/a/b/1", "/a/b/edit/edit/")
