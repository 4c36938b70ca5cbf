"""Routes near the longest word that NGINX reads, more of them than one of its lines can hold."""

from django.urls import path

from urlconfs import view

urlpatterns = [path(f"{letter * 700}/", view()) for letter in "abcdefgh"]

PATHS = (f"/{'a' * 700}/", f"/{'h' * 700}/", f"/{'h' * 699}/", f"/{'é' * 700}/")
