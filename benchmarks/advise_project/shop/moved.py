"""Ten views as they are after their move: eight for ASGI, and two for WSGI."""

import asyncio
from collections.abc import AsyncIterator

import requests
import strawberry
from adrf.views import APIView
from adrf.viewsets import ViewSet
from asgiref.sync import sync_to_async
from django.conf import settings
from django.http import HttpRequest, JsonResponse, StreamingHttpResponse
from rest_framework.request import Request
from rest_framework.response import Response
from strawberry.django.views import AsyncGraphQLView

from shop.clients import ask_supplier_async, read_balance
from shop.work import compute


async def offers(request: HttpRequest) -> JsonResponse:
    return JsonResponse(await ask_supplier_async("offers", 250))


async def dashboard(request: HttpRequest) -> JsonResponse:
    services = ("orders", "returns", "visits")
    found = await asyncio.gather(*(ask_supplier_async(each, 80) for each in services))
    return JsonResponse({"parts": found})


async def feed(request: HttpRequest) -> StreamingHttpResponse:
    async def parts() -> AsyncIterator[str]:
        for number in range(6):
            yield f"{number}: {(await ask_supplier_async('part', 60))['price']}\n"

    return StreamingHttpResponse(parts(), content_type="text/plain")


async def balance(request: HttpRequest) -> JsonResponse:
    """Read the ledger in a thread, as Django's async methods do."""
    return JsonResponse({"balance": await sync_to_async(read_balance)()})


async def notify(request: HttpRequest) -> JsonResponse:
    return JsonResponse(await ask_supplier_async("notify", 500))


class Quote(APIView):
    async def get(self, request: Request) -> Response:
        return Response(await ask_supplier_async("quote", 400))


class Rates(ViewSet):
    async def retrieve(self, request: Request, currency: str) -> Response:
        return Response({"currency": currency, **await ask_supplier_async("rate", 150)})


@strawberry.type
class Parcels:
    @strawberry.field
    async def price(self) -> str:
        return str((await ask_supplier_async("parcels", 200))["price"])


parcels = AsyncGraphQLView.as_view(schema=strawberry.Schema(query=Parcels), graphql_ide=None)


def invoice(request: HttpRequest) -> JsonResponse:
    answer = requests.get(f"{settings.SUPPLIER_URL}/invoice", params={"ms": 120}, timeout=10)
    return JsonResponse(answer.json())


def digest(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"digest": compute(100)})
