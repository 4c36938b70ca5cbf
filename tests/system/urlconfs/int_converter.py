"""``int``: ASCII digits only, as many as int() takes."""

from django.urls import path

from urlconfs import view

urlpatterns = [path("lots/<int:pk>/", view()), path("lots/<str:name>/", view())]

PATHS = (
    "/lots/1/",
    "/lots/007/",
    "/lots/-1/",
    "/lots/1a/",
    "/lots/\u0661/",
    f"/lots/{'1' * 4300}/",
    f"/lots/{'1' * 4301}/",
)
