from django.http import HttpResponse
from django.urls import path


def _facts(request):
    address = request.META["REMOTE_ADDR"]
    return HttpResponse(f"{request.build_absolute_uri()} {address} {type(request).__name__}")


def wsgi(request):
    return _facts(request)


async def asgi(request):
    return _facts(request)


urlpatterns = [path("wsgi/", wsgi), path("asgi/", asgi)]
