"""PostgreSQL is restarted under load: requests fail only while it is down."""

import asyncio
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from faults.prober import Prober
from faults.row import Bound, Fault, Row
from faults.scene import Scene, under_load
from faults.site_up import site

from harness.client import wait_for
from harness.postgres import postgres

TIMES = 3
CALM_S = 1.5
RECOVERY_S = 5
# What asks the database in vain, and looks for it once more, still belongs to the outage.
AFTERMATH_S = 1.0
# The sockets' own page reads it as well.
PATH = "/api/lots/1/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """A PostgreSQL that can be restarted; it lies in ``scratch``."""

    url: str
    scratch: str

    def control(self, *args: str) -> None:
        """Run pg_ctl as the user that PostgreSQL runs as."""
        subprocess.run(
            [_pg_ctl(), "-D", f"{self.scratch}/data", "-w", "-m", "fast", *args],
            user="postgres" if os.geteuid() == 0 else None,
            cwd=self.scratch,
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


@contextmanager
def database() -> Iterator[Database]:
    """Run one until the end of the block, and then whatever runs in its place."""
    with postgres() as url:
        made = Database(url=url, scratch=url.partition("host=")[2])
        try:
            yield made
        finally:
            made.control("stop")


async def restart_many(*, times: int = TIMES, sockets: int = 50) -> Row:
    """Restart it so many times, each time once both stacks have recovered."""
    with database() as db, site(environment={"DATABASE_URL": db.url}) as running:
        async with under_load(running, sockets=sockets) as scene:
            with Prober(running.up.port, PATH) as prober:
                outages = [await _restart(db, prober) for _ in range(times)]
    recovery_s = max(served - back for _, back, served in outages)
    away = ", ".join(f"{back - since:.1f}" for since, back, _ in outages)
    return scene.row(
        recovery_s=max(0.0, recovery_s),
        bounds={
            "failed though it was there": Bound(value=_failed_beside(scene, outages), at_most=0),
            "closed sockets": Bound(value=len(scene.sockets.closes), at_most=0),
            "seconds to recovery": Bound(value=recovery_s, at_most=RECOVERY_S),
        },
        notes=(f"{times} restarts, away for {away} s",),
    )


async def _restart(db: Database, prober: Prober) -> tuple[float, float, float]:
    """Return when it went away, when it was back, and when the last question had failed."""
    since = time.monotonic()
    await asyncio.to_thread(db.control, "restart")
    back = time.monotonic()
    await asyncio.to_thread(wait_for, lambda: prober.is_well(back, CALM_S), within_s=60)
    return since, back, max(back, prober.last_failure)


def _failed_beside(scene: Scene, outages: list[tuple[float, float, float]]) -> int:
    return sum(
        not any(
            since <= failure.ended and failure.began <= back + AFTERMATH_S
            for since, back, _ in outages
        )
        for failure in scene.load.failures
    )


def _pg_ctl() -> str:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"), reverse=True)
    return str(found[0]) if found else str(shutil.which("pg_ctl"))


FAULTS = (Fault(name="restart-postgresql", run=restart_many),)
