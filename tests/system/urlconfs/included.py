"""include() below a prefix that ends in a slash, and below one that doesn't."""

from django.urls import include, path

from urlconfs import view

urlpatterns = [
    path("api/", include([path("", view()), path("lots/", view())])),
    path("v", include([path("1/", view()), path("2/", view())])),
]

PATHS = ("/api/", "/api/lots/", "/api", "/v1/", "/v2/", "/v/", "/v3/")
