import os

from django.http import HttpResponse
from django.urls import path


def index(request):
    return HttpResponse(f"{os.environ.get('GREETING')}, {os.environ.get('HOOK')}")


urlpatterns = [path("", index)]
