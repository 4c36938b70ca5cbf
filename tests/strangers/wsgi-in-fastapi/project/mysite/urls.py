from django.http import HttpResponse
from django.urls import path


async def slow(request):
    return HttpResponse(type(request).__name__)


urlpatterns = [path("plain/", lambda request: HttpResponse("plain")), path("slow/", slow)]
