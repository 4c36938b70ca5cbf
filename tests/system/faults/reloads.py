"""Reloads under load, for each pair of servers: no request lost, each socket closed with 1012."""

import asyncio
import itertools
import time
from collections import Counter
from dataclasses import dataclass
from functools import partial

from faults.row import Bound, Fault, Row
from faults.scene import Scene, under_load
from faults.site_up import DRAIN_S, Site, site
from faults.sockets import Close

from django_tandem.runtime.host import nginx_from_wheel

WSGI = ("gunicorn", "uwsgi", "granian", "waitress")
ASGI = ("uvicorn", "daphne", "granian", "hypercorn")
TIMES = 20
RESTART = 1012


@dataclass(frozen=True, slots=True, kw_only=True)
class Reload:
    """
    One reload: how long it took until it served, and what the sockets saw of its drain.

    ``stale`` are the older versions that answered after it, ``errors`` the statuses of the
    requests that got no version.
    """

    exit_code: int
    stderr: str
    served_s: float
    stale: tuple[int, ...]
    errors: tuple[int, ...]
    closes: tuple[Close, ...]
    window_s: float

    @property
    def spread(self) -> float:
        """The share of the window between the first close and the last."""
        times = [close.at for close in self.closes if close.code == RESTART]
        return (max(times) - min(times)) / self.window_s if times else 0.0


async def reload_many(
    wsgi: str,
    asgi: str,
    *,
    times: int = TIMES,
    rules: bool = False,
    rate: float = 100,
    drain_s: int = DRAIN_S,
    on_wheel: bool = False,
) -> Row:
    """Reload ``times`` times under load, each time with other code, and other rules if asked."""
    nginx = nginx_from_wheel() if on_wheel else None
    with site(wsgi=wsgi, asgi=asgi, drain_s=drain_s, nginx=nginx) as running:
        async with under_load(running, rate=rate) as scene:
            reloads = [
                await _reload_once(scene, version, version if rules else None, drain_s)
                for version in range(1, times + 1)
            ]
    return scene.row(
        spread=min(each.spread for each in reloads),
        bounds=_bounds(scene, reloads),
        notes=_notes(scene, reloads),
    )


async def _reload_once(scene: Scene, version: int, routes: int | None, window_s: float) -> Reload:
    before = len(scene.sockets.closes)
    scene.site.deploy(version, routes=routes)
    began = time.monotonic()
    done = await asyncio.to_thread(scene.site.tandem, "reload")
    served_s = time.monotonic() - began
    seen = await asyncio.to_thread(_versions, scene.site, routes)
    await asyncio.to_thread(scene.site.wait_until_drained)
    await scene.sockets.wait_until_open()
    return Reload(
        exit_code=done.returncode,
        stderr=done.stderr,
        served_s=served_s,
        stale=tuple(each for each in seen if 0 <= each != version),
        errors=tuple(-each for each in seen if each < 0),
        closes=tuple(scene.sockets.closes[before:]),
        window_s=window_s,
    )


def _versions(site: Site, routes: int | None) -> list[int]:
    added = [f"/faults/added-{routes - 1}/"] if routes else []
    paths = ["/faults/version/", "/faults/async-version/", *added]
    return [site.version(path) for path in itertools.chain(paths, paths)]


def _bounds(scene: Scene, reloads: list[Reload]) -> dict[str, Bound]:
    closes = list(itertools.chain.from_iterable(each.closes for each in reloads))
    other = len(scene.sockets.closes) - sum(close.code == RESTART for close in closes)
    counts = [len(each.closes) for each in reloads]
    return {
        "failed requests": Bound(value=len(scene.load.failures), at_most=0),
        "reloads refused": Bound(value=sum(each.exit_code != 0 for each in reloads), at_most=0),
        "old versions served": Bound(value=sum(len(each.stale) for each in reloads), at_most=0),
        "errors after a reload": Bound(value=sum(len(each.errors) for each in reloads), at_most=0),
        "sockets not closed with 1012": Bound(value=other, at_most=0),
        "sockets closed in each": Bound(value=min(counts), at_least=scene.sockets.count),
        "sockets closed twice": Bound(value=max(counts) - scene.sockets.count, at_most=0),
        "spread": Bound(value=min(each.spread for each in reloads), at_least=0.8),
        "refused handshakes": Bound(value=len(scene.sockets.refused), at_most=0),
    }


def _notes(scene: Scene, reloads: list[Reload]) -> tuple[str, ...]:
    slowest = max(each.served_s for each in reloads)
    refused = Counter(why for _, why in scene.sockets.refused)
    return (
        f"{len(reloads)} reloads, slowest {slowest:.1f} s, request {scene.load.slowest_s:.1f} s, "
        f"handshake {scene.sockets.slowest_handshake_s:.1f} s",
        *(f"handshake {why}: {times}" for why, times in refused.items()),
        *(f"reload reported {each.stderr}" for each in reloads if each.exit_code),
    )


FAULTS = (
    *(
        Fault(name=f"reload-{wsgi}-{asgi}", run=partial(reload_many, wsgi, asgi))
        for wsgi, asgi in itertools.product(WSGI, ASGI)
    ),
    # The edge's own file changes with each, and NGINX is reloaded as well.
    Fault(name="reload-rules", run=partial(reload_many, "gunicorn", "uvicorn", rules=True)),
    Fault(
        name="reload-rules-wheel",
        run=partial(reload_many, "gunicorn", "uvicorn", rules=True, on_wheel=True),
    ),
)
