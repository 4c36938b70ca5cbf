"""Views of either stack: the version that serves, marks to be counted, words for the sockets."""

import asyncio
import time
from collections import Counter

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from auctions.models import Bid
from faultsite.models import Mark
from faultsite.version import VERSION

GROUP = "marks"


def version(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"version": VERSION})


async def async_version(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"version": VERSION})


def slow(request: HttpRequest) -> JsonResponse:
    time.sleep(float(request.GET.get("s", 0.2)))
    return version(request)


async def async_slow(request: HttpRequest) -> JsonResponse:
    await asyncio.sleep(float(request.GET.get("s", 0.2)))
    return await async_version(request)


@csrf_exempt
def mark(request: HttpRequest) -> JsonResponse:
    Mark.objects.create(key=request.POST["key"])
    return JsonResponse({}, status=201)


@csrf_exempt
async def async_mark(request: HttpRequest) -> JsonResponse:
    await Mark.objects.acreate(key=request.POST["key"])
    return JsonResponse({}, status=201)


def counted(request: HttpRequest) -> JsonResponse:
    marks = Mark.objects.values_list("key", flat=True)
    bids = Bid.objects.exclude(key=None).values_list("key", flat=True)
    return JsonResponse(Counter([*marks, *map(str, bids)]))


def announce(request: HttpRequest) -> JsonResponse:
    message = {"type": "announced", "text": request.GET["text"]}
    async_to_sync(get_channel_layer().group_send)(GROUP, message)
    return version(request)
