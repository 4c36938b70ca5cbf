"""
How far `tandem advise` is right: forty routes whose truth is known, under a load that is played.

The main load shows what each route is. The advice on it is compared with the truth. Its gains are
compared with a load of other times, which is recorded before and after ten routes are moved by a
setting. Under a load that takes both CPUs, where all routes wait for the CPU, no advice to move may
be wrong.
"""

import argparse
import asyncio
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from advise_figures import Recorded, differences, read_figures
from advise_gains import MOVED, Advice, Gains
from advise_routes import (
    ASGI_WORKERS,
    ROUTES,
    TO_ASGI,
    TO_WSGI,
    WSGI_WORKERS,
    KnownRoute,
)
from arrivals import arrivals, play
from example import LEFT_OUT, served
from results import Ratio, finish, run, say

PROJECT = Path(__file__).parent / "advise_project"
SEED = 18
# Between the times of the load that the advice is on, and of the one that measures its gains.
OTHER_TIMES = 1
SECONDS, SATURATED_SECONDS = 180, 60
# The routes that compute most of the time take two thirds of a CPU in the main load, of two.
SATURATED = 3.0
LEAST_RIGHT = 38
# The monitor writes a minute when it has ended.
HISTORY_S = 75


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """A copy of the project, which ``running()`` serves."""

    directory: Path
    moved: tuple[str, ...]

    @property
    def history(self) -> Path:
        return self.directory / ".tandem" / "history.sqlite3"

    @contextmanager
    def running(self) -> Iterator[str]:
        """Serve it with the services behind it, and yield its URL."""
        http, tcp = free_ports(2)
        tandem = {
            "WSGI": {"WORKERS": WSGI_WORKERS},
            "ASGI": {"WORKERS": ASGI_WORKERS},
            "PROGRAMS": {
                "upstream": [sys.executable, "upstream.py", str(http), str(tcp)],
                "bookkeeping": [sys.executable, "hold_ledger.py"],
            },
        }
        more = (
            f"SUPPLIER_URL = 'http://127.0.0.1:{http}'\n"
            f"WAREHOUSE = ('127.0.0.1', {tcp})\n"
            f"MOVED = {self.moved!r}\n"
        )
        with served(self.directory, repr(tandem), base="settings", more=more) as url:
            wait_for_services(http, tcp)
            yield url

    def advise(self) -> Advice:
        """Return the advice by route."""
        argv = [sys.executable, "-m", "django_tandem", "advise", "--json"]
        done = subprocess.run(
            [*argv, "--settings", "bench_settings"],
            cwd=self.directory,
            check=True,
            stdout=subprocess.PIPE,
        )
        return {each["route"]: each for each in json.loads(done.stdout)["routes"]}


@contextmanager
def copied(moved: tuple[str, ...] = ()) -> Iterator[Shop]:
    """Yield a copy of the project with its data, and no history."""
    with tempfile.TemporaryDirectory(prefix="tandem-") as scratch:
        directory = Path(shutil.copytree(PROJECT, Path(scratch, "p"), ignore=LEFT_OUT))
        subprocess.run([sys.executable, "fill.py"], cwd=directory, check=True)
        yield Shop(directory=directory, moved=moved)


def free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        held = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in held:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in held]


def wait_for_services(*ports: int) -> None:
    """Return when all of them can be connected to; raises RuntimeError after 30 s."""
    until = time.monotonic() + 30
    for port in ports:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                if time.monotonic() > until:
                    raise RuntimeError(f"Nothing listens on port {port}.") from None
                time.sleep(0.05)


def play_load(url: str, seconds: float, seed: int, computing: float = 1.0) -> dict[str, int]:
    """
    Play it, and return the requests of each route.

    Raises RuntimeError if one failed that should not; beyond the main load some get 503 or 504.
    """
    load = arrivals(ROUTES, seconds, seed=seed, computing=computing)
    played = asyncio.run(play(url, load))
    say(f"{played.sent} requests, of which the latest was sent {played.latest_s:.3f} s late")
    if played.failures and computing == 1:
        raise RuntimeError(f"Requests failed: {played.failures}")
    return Counter(each.known.route for each in load)


def wait_for_history(history: Path, sent: Mapping[str, int]) -> None:
    """Return when all requests are in the history; raises RuntimeError after a minute and more."""
    until = time.monotonic() + HISTORY_S
    missing: dict[str, int] = {}
    while time.monotonic() < until:
        counts: Counter[str] = Counter()
        for (route, _), each in read_figures(history, 1).items():
            counts[route] += each.requests
        missing = {route: sent[route] - counts[route] for route in sent}
        if not any(missing.values()):
            return
        time.sleep(1)
    raise RuntimeError(f"Requests are missing from the history: {missing}")


def measure_main(seconds: float, seed: int) -> tuple[Advice, Recorded, list[str]]:
    """Return the advice on the main load, what was recorded, and how that differs."""
    with copied() as shop:
        with shop.running() as url:
            sent = play_load(url, seconds, seed)
            wait_for_history(shop.history, sent)
            advice = shop.advise()
        recorded = read_figures(shop.history, seconds)
        return advice, recorded, list(differences(ROUTES, recorded, sent))


def measure(seconds: float, seed: int, moved: tuple[str, ...] = ()) -> Recorded:
    """Return what is recorded of the load once the routes of these names are moved."""
    with copied(moved) as shop:
        with shop.running() as url:
            sent = play_load(url, seconds, seed)
            wait_for_history(shop.history, sent)
        return read_figures(shop.history, seconds)


def measure_saturated(seconds: float, seed: int) -> Advice:
    """Return the advice on a load that takes both CPUs, of a stack that has stopped."""
    with copied() as shop:
        with shop.running() as url:
            sent = play_load(url, seconds, seed, SATURATED)
            # Without its requests there is no advice, and so no wrong one.
            wait_for_history(shop.history, sent)
        return shop.advise()


def is_right(known: KnownRoute, advice: Advice) -> bool:
    return known.route in advice and advice[known.route]["verdict"] in known.right


def wrong_moves(advice: Advice) -> list[str]:
    """Return the routes that are advised to move, and are right where they are."""
    return [
        each.route
        for each in ROUTES
        if not is_right(each, advice)
        and advice.get(each.route, {}).get("verdict") in (TO_ASGI, TO_WSGI)
    ]


def show(advice: Advice, gains: Gains) -> None:
    """Print what is not right, and each of the moves."""
    for known in ROUTES:
        if not is_right(known, advice):
            found = advice.get(known.route, {"verdict": "none", "reasons": []})
            say(f"{known.route}: {found['verdict']}, where {' or '.join(known.right)} is right")
            say(f"    {known.why} The advice: {' '.join(found['reasons'])}")
    for line in gains.lines():
        say(line)


def main() -> int:
    """Print how many verdicts are right, and how many gains are in their ranges."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--seed", type=int, default=SEED, help="of the times of the requests")
    options = parser.parse_args()
    advice, recorded, unlike = measure_main(options.seconds, options.seed)
    for line in unlike:
        say(f"Recorded otherwise than built: {line}")
    other = options.seed + OTHER_TIMES
    before = measure(options.seconds, other)
    after = measure(options.seconds, other, tuple(each.moved for each in MOVED))
    saturated = measure_saturated(SATURATED_SECONDS, options.seed)
    gains = Gains.of(advice, before, after)
    show(advice, gains)
    wrong = wrong_moves(advice) + wrong_moves(saturated)
    return finish(
        "bench-advise",
        {
            "routes that are recorded as they are built": Ratio(
                value=float(len(ROUTES) - len(unlike)), at_least=LEAST_RIGHT
            ),
            "verdicts that are right": Ratio(
                value=float(sum(is_right(each, advice) for each in ROUTES)), at_least=LEAST_RIGHT
            ),
            "wrong moves, also of the saturated stack": Ratio(value=float(len(wrong)), at_most=0),
            **gains.ratios(),
        },
        packages=("django", "gunicorn", "uvicorn", "djangorestframework", "graphene-django"),
        seeds={"advice": options.seed, "gains": other},
        unlike=unlike,
        wrong_moves=wrong,
        verdicts={route: each["verdict"] for route, each in advice.items()},
        verdicts_saturated={route: each["verdict"] for route, each in saturated.items()},
        gains=asdict(gains),
        recorded={" ".join(key): asdict(each) for key, each in sorted(recorded.items())},
    )


if __name__ == "__main__":
    run(main)
