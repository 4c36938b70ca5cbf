from django.http import HttpResponse
from django.urls import path


def _response(request):
    response = HttpResponse(f"{len(request.COOKIES['c'])} cookies")
    for number in range(4):
        response[f"X-Large-{number}"] = "x" * 4000
    return response


def wsgi(request):
    return _response(request)


async def asgi(request):
    return _response(request)


urlpatterns = [path("wsgi/", wsgi), path("asgi/", asgi)]
