from django.http import HttpResponse
from django.urls import path


def hello(request):
    return HttpResponse(f"hello {request.GET.get('name', '')} from {type(request).__name__}")


urlpatterns = [path("hello/", hello)]
