"""An escaped $ at the end still asks for all of the path."""

from django.urls import re_path

from urlconfs import view

urlpatterns = [re_path(r"^price\$", view()), re_path(r"pay\$", view())]

PATHS = ("/price$", "/price$x", "/price", "/pay$", "/xpay$")
