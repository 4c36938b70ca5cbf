from django.http import HttpResponse
from django.urls import path


def plain(request):
    return HttpResponse(f"{type(request).__name__} {request.path}")


urlpatterns = [path("plain/", plain), path("only", plain)]
