"""The most database connections that requests at once make, as PostgreSQL itself counts them."""

import asyncio
from dataclasses import dataclass

import psycopg
from applications import Variant, served
from load import Load, drive

COUNT = "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a round of concurrent requests came to."""

    connections: int
    load: Load


def most(variant: Variant, *, concurrent: int, seconds: float) -> Seen:
    """Request the slow query over so many connections at once, and count those to the database."""
    with served(variant) as url:
        return asyncio.run(_watched(variant, f"{url}/slow/", concurrent, seconds))


async def _watched(variant: Variant, url: str, concurrent: int, seconds: float) -> Seen:
    counts = [0]
    watching = asyncio.create_task(_watch(variant, counts))
    load = await drive(url, connections=concurrent, seconds=seconds)
    watching.cancel()
    await asyncio.wait([watching])
    if not watching.cancelled():
        watching.result()
    return Seen(connections=max(counts), load=load)


async def _watch(variant: Variant, counts: list[int]) -> None:
    # As the superuser it has slots left that the project can't take.
    connection = await psycopg.AsyncConnection.connect(
        host=variant.postgres, dbname="postgres", user="tandem", autocommit=True
    )
    async with connection:
        while True:
            cursor = await connection.execute(COUNT, (variant.name,))
            counts.extend(row[0] for row in await cursor.fetchall())
            await asyncio.sleep(0.02)
