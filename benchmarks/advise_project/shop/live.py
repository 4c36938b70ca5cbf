"""The async views of the shop: those that wait as they should, and those that block the loop."""

import asyncio
from collections.abc import AsyncIterator

import requests
from asgiref.sync import sync_to_async
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse

from django_tandem.marks import on_asgi, on_wsgi
from shop.clients import ask_supplier_async, back_off
from shop.models import Book
from shop.work import compute

# Of those that wait


async def stock(request: HttpRequest) -> JsonResponse:
    return JsonResponse(await ask_supplier_async("stock", 300))


async def quick(request: HttpRequest) -> HttpResponse:
    await asyncio.sleep(0.005)
    return HttpResponse("ok")


async def customer(request: HttpRequest, pk: int) -> JsonResponse:
    """Await a service, and look a row up in a thread."""
    find = sync_to_async(lambda: Book.objects.filter(pk=pk).values_list("title", flat=True).first())
    found = await ask_supplier_async("customer", 150)
    return JsonResponse(found | {"last": await find()})


async def events(request: HttpRequest) -> StreamingHttpResponse:
    async def ticks() -> AsyncIterator[str]:
        for number in range(8):
            yield f"data: {number}\n\n"
            await asyncio.sleep(0.5)

    return StreamingHttpResponse(ticks(), content_type="text/event-stream")


async def campaign(request: HttpRequest) -> JsonResponse:
    return JsonResponse(await ask_supplier_async("campaign", 300))


@on_wsgi
async def parcel(request: HttpRequest) -> JsonResponse:
    return JsonResponse(await ask_supplier_async("parcel", 300))


# Of those that block


async def invoice(request: HttpRequest) -> JsonResponse:
    answer = requests.get(f"{settings.SUPPLIER_URL}/invoice", params={"ms": 120}, timeout=10)
    return JsonResponse(answer.json())


async def retry(request: HttpRequest) -> JsonResponse:
    back_off(80)
    return JsonResponse(await ask_supplier_async("retry", 10))


async def digest(request: HttpRequest) -> JsonResponse:
    await asyncio.sleep(0)
    return JsonResponse({"digest": compute(100)})


@on_asgi
def ranking(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"ranking": compute(80)})


async def archive(request: HttpRequest) -> JsonResponse:
    back_off(100)
    return JsonResponse({"archived": True})
