"""The endpoint that waits on another service."""

import asyncio
import socket

from aiohttp import web
from aiohttp.test_utils import TestServer
from django.test import AsyncClient, override_settings
from lots import amake_lot

from auctions.management.commands.shipping_service import quote


async def _quoted(lot_id: int) -> tuple[int, dict]:
    response = await AsyncClient().get(f"/api/shipping/{lot_id}/")
    return response.status_code, response.json()


def test_quote_comes_from_the_service() -> None:
    """The answer is what the service says of the lot's price and place."""

    async def scenario() -> tuple[int, dict]:
        lot = await amake_lot(opening_price=250)
        app = web.Application()
        app.router.add_get("/quote", quote)
        async with TestServer(app) as service:
            with override_settings(SHIPPING_URL=str(service.make_url("")).rstrip("/")):
                status, answer = await _quoted(lot.pk)
        answer.pop("lot")
        return status, answer

    status, answer = asyncio.run(scenario())

    assert status == 200
    assert answer == {"carrier": "Tortoise & Sons", "price": "10.00", "origin": "Bath"}


def test_service_that_is_away_is_a_503() -> None:
    """The response names what is wrong and what to start."""

    async def scenario() -> tuple[int, dict]:
        lot = await amake_lot()
        # Bound but not listening: nobody else gets the port, and nobody answers on it.
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{taken.getsockname()[1]}"
            with override_settings(SHIPPING_URL=url):
                status, answer = await _quoted(lot.pk)
        return status, {"detail": answer["detail"].replace(url, "URL")}

    assert asyncio.run(scenario()) == (
        503,
        {
            "detail": "The shipping service at URL gave no quote. "
            "Is it running? Start it with: python manage.py shipping_service"
        },
    )


def test_unknown_lot_is_a_404() -> None:
    """Nothing is asked about a lot that is not there."""
    assert asyncio.run(_quoted(404)) == (404, {"detail": "There is no such lot."})
