"""What a router of Django REST framework makes, formats and all."""

from django.urls import include, path, re_path

from urlconfs import view

router = [
    re_path(r"^lots/$", view()),
    re_path(r"^lots\.(?P<format>[a-z0-9]+)/?$", view()),
    re_path(r"^lots/(?P<pk>[^/.]+)/$", view()),
    re_path(r"^lots/(?P<pk>[^/.]+)\.(?P<format>[a-z0-9]+)/?$", view()),
    re_path(r"^lots/(?P<pk>[^/.]+)/bid/$", view()),
    re_path(r"^$", view()),
    re_path(r"^(?P<format>\.[a-z0-9]+/?)$", view()),
]
urlpatterns = [path("api/", include(router))]

PATHS = (
    "/api/",
    "/api/.json",
    "/api/lots/",
    "/api/lots.json",
    "/api/lots/1/",
    "/api/lots/1.json/",
    "/api/lots/1/bid/",
    "/api/lots/a.b/bid/",
)
