from django.conf import settings
from django.http import HttpResponse
from django.urls import path, re_path

URLS = settings.MEDIA_URL, settings.STATIC_URL


def _facts(request):
    urls = *URLS, settings.MEDIA_URL, settings.STATIC_URL
    kind = type(request).__name__
    return HttpResponse(f"{request.path} {request.path_info} {kind} {' '.join(urls)}")


def hello(request):
    return _facts(request)


async def awaited(request):
    return _facts(request)


urlpatterns = [path("hello/", hello), re_path("", awaited)]
