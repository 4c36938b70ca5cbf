"""What hands all other paths to the browser's own router, in front of what it must not take."""

from django.urls import include, path, re_path

from urlconfs import view

urlpatterns = [
    re_path(r"^(?!(api|admin)).*/?$", view()),
    path("api/", include([path("lots/", view()), path("lots/<int:pk>/", view())])),
    path("admin/", view()),
    re_path(r".*", view()),
]

PATHS = ("/", "/lots/", "/api/lots/", "/api/lots/1/", "/api", "/admin/", "/administer", "/a/api/")
