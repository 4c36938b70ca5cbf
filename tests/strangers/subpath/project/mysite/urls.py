from django.http import HttpResponse
from django.urls import path


def _facts(request):
    return HttpResponse(f"{request.path} {request.path_info} {type(request).__name__}")


def hello(request):
    return _facts(request)


async def awaited(request):
    return _facts(request)


urlpatterns = [path("hello/", hello), path("async/", awaited)]
