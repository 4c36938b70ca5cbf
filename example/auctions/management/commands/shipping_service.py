"""A stand-in for a carrier's quotation service: slow, as they are, and on loopback only."""

import asyncio
from decimal import Decimal, InvalidOperation
from urllib.parse import urlsplit

from aiohttp import web
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

THINKS_FOR_S = 0.1
FLAT_RATE = Decimal("7.50")
INSURANCE = Decimal("0.01")


async def quote(request: web.Request) -> web.Response:
    try:
        value = Decimal(request.query["value"])
    except (KeyError, InvalidOperation):
        return web.json_response({"detail": "Say the value: /quote?value=120.00"}, status=400)
    await asyncio.sleep(THINKS_FOR_S)
    price = (FLAT_RATE + value * INSURANCE).quantize(Decimal("0.01"))
    return web.json_response(
        {"carrier": "Tortoise & Sons", "price": str(price), "origin": request.query.get("origin")}
    )


class Command(BaseCommand):
    help = "Serve shipping quotes at SHIPPING_URL, for GET /api/shipping/<lot>/ to ask."

    def add_arguments(self, parser) -> None:
        parser.add_argument("--port", type=int, help="the port; default: SHIPPING_URL's")

    def handle(self, *args, **options) -> None:
        url = urlsplit(settings.SHIPPING_URL)
        port = options["port"] or url.port
        if port is None:
            raise CommandError(
                f"SHIPPING_URL {settings.SHIPPING_URL!r} names no port. Name one with --port."
            )
        app = web.Application()
        app.router.add_get("/quote", quote)
        web.run_app(app, host="127.0.0.1", port=port, print=self.stdout.write)
