"""Two parameters between the same slashes."""

from django.urls import path

from urlconfs import view

urlpatterns = [path("<int:year>-<slug:name>/", view()), path("<slug:name>.<str:end>/", view())]

PATHS = ("/2024-a/", "/2024-a-b/", "/-a/", "/a.b.c/", "/a./")
