"""The clients of the services behind the shop; ``ms`` is how long the service takes."""

import socket
import time
from typing import Any

import aiohttp
import requests
from django.conf import settings
from django.db import connections

TIMEOUT_S = 10


def ask_supplier(service: str, ms: int) -> dict[str, Any]:
    """Ask over HTTP, and wait for the response."""
    answer = requests.get(
        f"{settings.SUPPLIER_URL}/{service}", params={"ms": ms}, timeout=TIMEOUT_S
    )
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()
    return found


async def ask_supplier_async(service: str, ms: int) -> dict[str, Any]:
    """Ask over HTTP, and await the response."""
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
    url = f"{settings.SUPPLIER_URL}/{service}"
    async with (
        aiohttp.ClientSession(timeout=timeout, raise_for_status=True) as session,
        session.get(url, params={"ms": str(ms)}) as answer,
    ):
        found: dict[str, Any] = await answer.json()
        return found


def ask_warehouse(ms: int) -> str:
    """Ask over a TCP socket, and wait for the line that is the response."""
    with socket.create_connection(settings.WAREHOUSE, timeout=TIMEOUT_S) as connection:
        connection.sendall(b"%d\n" % ms)
        with connection.makefile() as lines:
            return lines.readline().strip()


def read_balance() -> int:
    """Read the ledger, once its lock is free."""
    with connections["ledger"].cursor() as cursor:
        cursor.execute("SELECT balance FROM account")
        return int(cursor.fetchone()[0])


def back_off(ms: int) -> None:
    """Wait as long as the supplier demands between two calls."""
    time.sleep(ms / 1000)
