"""A number with nothing behind it."""

from django.urls import path

from urlconfs import view

urlpatterns = [path("lots/<int:pk>", view())]

PATHS = ("/lots/1", "/lots/1/", "/lots/", "/lots/1\n")
