"""Namespaces around includes, one within the other."""

from django.urls import include, path

from urlconfs import view

inner = ([path("", view(), name="list"), path("<int:pk>/", view(), name="one")], "lots")
api = ([path("lots/", include(inner)), path("<slug:any>/", view(), name="any")], "api")
urlpatterns = [
    path("v1/", include(api, namespace="v1")),
    path("v2/", include(api, namespace="v2")),
    path("<path:rest>", view()),
]

PATHS = ("/v1/lots/", "/v2/lots/7/", "/v1/bids/", "/v3/lots/", "/v2/lots/x/")
