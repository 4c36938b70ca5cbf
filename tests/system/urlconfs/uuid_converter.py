"""``uuid``: lower-case hexadecimal digits in five groups."""

from django.urls import path

from urlconfs import view

urlpatterns = [path("<uuid:pk>/", view())]

PATHS = (
    "/2f1b2c3d-0000-4000-8000-00000000abcd/",
    "/2F1B2C3D-0000-4000-8000-00000000ABCD/",
    "/2f1b2c3d-0000-4000-8000-00000000abc/",
    "/2f1b2c3d-0000-4000-8000-00000000abcd0/",
)
