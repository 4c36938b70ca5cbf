"""The views of the cases: an async one that computes, others that touch storage or run sync."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.urls import path


@login_not_required
async def view(request: HttpRequest) -> HttpResponse:
    return HttpResponse("hello")


async def form(request: HttpRequest) -> HttpResponse:
    return HttpResponse(request.POST["csrfmiddlewaretoken"])


async def user(request: HttpRequest) -> HttpResponse:
    return HttpResponse((await request.auser()).get_username())


async def session(request: HttpRequest) -> HttpResponse:
    await request.session.aset("seen", True)
    return HttpResponse("hello")


def sync(request: HttpRequest) -> HttpResponse:
    return HttpResponse("hello")


urlpatterns = [
    path("", view),
    path("form/", form),
    path("user/", user),
    path("session/", session),
    path("sync/", sync),
]
