"""Each built-in converter where another one may take the same path."""

from django.urls import path

from urlconfs import view

urlpatterns = [
    path("<int:x>/", view()),
    path("<uuid:x>/", view()),
    path("<slug:x>/", view()),
    path("<str:x>/", view()),
    path("<path:x>/", view()),
    path("<x>", view()),
]

PATHS = ("/1/", "/2f1b2c3d-0000-4000-8000-00000000abcd/", "/a-b/", "/a.b/", "/a/b/", "/a", "/é/")
