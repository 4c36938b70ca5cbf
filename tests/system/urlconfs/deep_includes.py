"""Twelve includes deep, a view beside each."""

from django.urls import include, path

from urlconfs import view

urlpatterns = [path("end/", view())]
for number in range(12):
    urlpatterns = [path(f"{number}/", include(urlpatterns)), path("<int:n>/", view())]

PATHS = ("/11/10/9/8/7/6/5/4/3/2/1/0/end/", "/11/10/9/", "/11/10/4/", "/5/", "/11/10/end/")
