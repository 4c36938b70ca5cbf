from django.core.cache import cache, caches
from django.http import HttpResponse
from django.urls import path


def index(request):
    return HttpResponse(f"{type(caches['default']).__name__}: {cache.get_or_set('key', 'value')}")


urlpatterns = [path("", index)]
