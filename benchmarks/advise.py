"""
How far `tandem advise` is right: forty routes whose truth is known, under a load that is played.

The main load shows what each route is. The advice on it is compared with the truth, and ten routes
are moved by a setting to measure, under the same load, whether each gain is in its range. Under a
load that takes both CPUs, where all routes wait for the CPU, no advice to move may be wrong.
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
from typing import Any

from advise_figures import Recorded, differences, read_figures, stack_queue_ms, stack_workers
from advise_routes import (
    ASGI_WORKERS,
    ROUTES,
    TO_ASGI,
    TO_WSGI,
    WSGI,
    WSGI_WORKERS,
    KnownRoute,
)
from arrivals import arrivals, play
from example import LEFT_OUT, served
from results import Ratio, finish, run, say

PROJECT = Path(__file__).parent / "advise_project"
SEED = 18
SECONDS, SATURATED_SECONDS = 180, 60
# The routes that compute most of the time take two thirds of a CPU in the main load, of two.
SATURATED = 3.0
LEAST_RIGHT, LEAST_HELD = 38, 9
MOVED = tuple(each for each in ROUTES if each.moved)
# The monitor writes a minute when it has ended.
HISTORY_S = 75
# Of workers, as the monitor has milliseconds.
ROUNDING = 0.02

Advice = Mapping[str, Mapping[str, Any]]


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
    raise RuntimeError(f"The history lacks requests: {missing}")


def measure_main(seconds: float, seed: int) -> tuple[Advice, Recorded, list[str]]:
    """Return the advice on the main load, what was recorded, and how that differs."""
    with copied() as shop:
        with shop.running() as url:
            sent = play_load(url, seconds, seed)
            wait_for_history(shop.history, sent)
            advice = shop.advise()
        recorded = read_figures(shop.history, seconds)
        return advice, recorded, list(differences(ROUTES, recorded, sent))


def measure_moved(seconds: float, seed: int) -> Recorded:
    """Return what is recorded of the same load once ten routes are moved."""
    with copied(tuple(each.moved for each in MOVED)) as shop:
        with shop.running() as url:
            play_load(url, seconds, seed)
        return read_figures(shop.history, seconds)


def measure_saturated(seconds: float, seed: int) -> Advice:
    """Return the advice on a load that takes both CPUs, of a stack that has stopped."""
    with copied() as shop:
        with shop.running() as url:
            play_load(url, seconds, seed, SATURATED)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """
    What was predicted of the move of a route, and what was measured.

    ``workers_freed`` are workers of WSGI, negative for a move to WSGI. ``queue_ms`` is by how much
    the mean queue of WSGI became shorter by all of the moves together.
    """

    route: str
    workers_freed: float
    queue_ms: float
    predicted_workers: tuple[float, float]
    predicted_queue_ms: tuple[float, float]

    @property
    def holds(self) -> bool:
        """Whether the workers are in the range, and the queue became shorter by its least."""
        low, high = self.predicted_workers
        is_freed = low - ROUNDING <= self.workers_freed <= high + ROUNDING
        return is_freed and self.queue_ms >= self.predicted_queue_ms[0]


def moves(advice: Advice, before: Recorded, after: Recorded) -> list[Move]:
    """Compare each gain with what was measured; a route without a prediction is left out."""
    shorter_ms = stack_queue_ms(before) - stack_queue_ms(after)
    return [
        Move(
            route=each.route,
            workers_freed=workers(before, each) - workers(after, each),
            queue_ms=shorter_ms,
            predicted_workers=tuple(gain["workers_freed"]),
            predicted_queue_ms=tuple(gain["queue_ms"]),
        )
        for each in MOVED
        if each.route in advice and (gain := advice[each.route]["gain"])
    ]


def show_all(moved: list[Move], before: Recorded, after: Recorded) -> None:
    """Print what all of the moves came to: also what they changed for other routes."""
    low, high = (sum(each.predicted_workers[place] for each in moved) for place in (0, 1))
    freed = stack_workers(before) - stack_workers(after)
    say(
        f"All together: {freed:.2f} workers freed, predicted {low:.2f} to {high:.2f}; the queue "
        f"was {stack_queue_ms(before):.1f} ms and is {stack_queue_ms(after):.1f} ms"
    )


def workers(recorded: Recorded, known: KnownRoute) -> float:
    found = recorded.get((known.route, WSGI))
    return found.workers if found else 0.0


def show(advice: Advice, moved: list[Move]) -> None:
    """Print what is not right, and each of the moves."""
    for known in ROUTES:
        if not is_right(known, advice):
            found = advice.get(known.route, {"verdict": "none", "reasons": []})
            say(f"{known.route}: {found['verdict']}, where {' or '.join(known.right)} is right")
            say(f"    {known.why} The advice: {' '.join(found['reasons'])}")
    for each in moved:
        held = "" if each.holds else ", which is NOT in the range"
        say(
            f"{each.route}: {each.workers_freed:.2f} workers freed, predicted "
            f"{shown(each.predicted_workers)}; the queue is {each.queue_ms:.1f} ms shorter, "
            f"predicted {shown(each.predicted_queue_ms)}{held}"
        )


def shown(bounds: tuple[float, float]) -> str:
    return f"{bounds[0]:.2f} to {bounds[1]:.2f}"


def main() -> int:
    """Print how many verdicts are right, and how many gains are in their ranges."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--seed", type=int, default=SEED, help="of the times of the requests")
    options = parser.parse_args()
    advice, before, unlike = measure_main(options.seconds, options.seed)
    for line in unlike:
        say(f"Recorded otherwise than built: {line}")
    after = measure_moved(options.seconds, options.seed)
    saturated = measure_saturated(SATURATED_SECONDS, options.seed)
    moved = moves(advice, before, after)
    show(advice, moved)
    show_all(moved, before, after)
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
            "gains that are measured as predicted": Ratio(
                value=float(sum(each.holds for each in moved)), at_least=LEAST_HELD
            ),
        },
        packages=("django", "gunicorn", "uvicorn", "djangorestframework", "graphene-django"),
        seed=options.seed,
        unlike=unlike,
        wrong_moves=wrong,
        verdicts={route: each["verdict"] for route, each in advice.items()},
        verdicts_saturated={route: each["verdict"] for route, each in saturated.items()},
        moves=[asdict(each) for each in moved],
        recorded={" ".join(key): asdict(each) for key, each in sorted(before.items())},
        workers={"before": stack_workers(before), "after": stack_workers(after)},
        queue_ms={"before": stack_queue_ms(before), "after": stack_queue_ms(after)},
    )


if __name__ == "__main__":
    run(main)
