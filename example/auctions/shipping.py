"""What it costs to ship a lot: asked of another service over HTTP, without holding a thread."""

import aiohttp
from adrf.views import APIView
from django.conf import settings
from rest_framework import status
from rest_framework.exceptions import APIException, NotFound
from rest_framework.response import Response

from auctions.models import Lot


class ShippingUnavailable(APIException):
    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code = "shipping_unavailable"


class ShippingQuote(APIView):
    authentication_classes = ()

    async def get(self, request, pk: int) -> Response:
        lot = await Lot.objects.select_related("seller").filter(pk=pk).afirst()
        if lot is None:
            raise NotFound("There is no such lot.")
        quote = await _ask(value=str(lot.current_price), origin=lot.seller.town)
        return Response({"lot": lot.pk, **quote})


async def _ask(**question: str) -> dict:
    timeout = aiohttp.ClientTimeout(total=settings.SHIPPING_TIMEOUT_S)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, raise_for_status=True) as session,
            session.get(f"{settings.SHIPPING_URL}/quote", params=question) as answer,
        ):
            return await answer.json()
    except (aiohttp.ClientError, TimeoutError) as error:
        raise ShippingUnavailable(
            f"The shipping service at {settings.SHIPPING_URL} gave no quote. "
            "Is it running? Start it with: python manage.py shipping_service"
        ) from error
