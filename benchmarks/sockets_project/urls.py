"""Nothing is served over HTTP but what tells that the server is up."""

from django.http import HttpResponse
from django.urls import path

urlpatterns = [path("", lambda request: HttpResponse())]
