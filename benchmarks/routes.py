"""What the route table costs: 5,000 routes' rules at the edge, against two locations by hand."""

import random
import statistics
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import urlconf
from edges import Edge, running
from results import Ratio, finish, run, say

from django_tandem.model import Nginx
from django_tandem.runtime.host import find_nginx, nginx_from_wheel, read_nginx

ROUTES = 5000
ROUNDS = 30
SECONDS = 1
CONNECTIONS = 32
# A server behind that answers at once leaves nothing to hide the edge's own work. It is asked
# over so many paths that each route, early or late, and a 404 for each app, has its turn.
PATHS_LUA = Path(__file__).parent / "nginx" / "paths.lua"


@dataclass(frozen=True, kw_only=True)
class Round:
    """What one edge did in a round; ``cpu_us`` is what it took of the CPU for a request."""

    per_second: float
    cpu_us: float


def load(edge: Edge, paths: Path) -> Round:
    """Ask for the paths in turn for some seconds; raises RuntimeError when a request failed."""
    argv = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}", "-s", str(PATHS_LUA)]
    before = edge.cpu_s()
    done = subprocess.run(
        [*argv, edge.url, "--", str(paths)], check=True, capture_output=True, text=True
    )
    cpu_s = edge.cpu_s() - before
    answered, failed, took_us = map(int, done.stdout.splitlines()[-1].split())
    if failed or not answered:
        raise RuntimeError(f"{failed} requests failed, {answered} were answered:\n{edge.log}")
    return Round(per_second=answered / took_us * 1e6, cpu_us=cpu_s / answered * 1e6)


def measure(edges: dict[str, Edge], paths: Path) -> list[dict[str, Round]]:
    """Alternate them, in another order each round, after one that only warms them."""
    rounds = []
    for number in range(ROUNDS + 1):
        names = list(edges)
        random.Random(number).shuffle(names)
        found = {name: load(edges[name], paths) for name in names}
        if number:
            rounds.append(found)
    return rounds


def best(rounds: list[dict[str, Round]], edge: str) -> float:
    """
    Return the requests a second of a good round: a quarter of them were better.

    What else runs on a machine only ever takes away, and seldom from both edges alike.
    """
    return statistics.quantiles([each[edge].per_second for each in rounds])[2]


def cpu_us(rounds: list[dict[str, Round]], edge: str) -> float:
    """Return the edge's own CPU time for a request, of which a quarter of the rounds took less."""
    return statistics.quantiles([each[edge].cpu_us for each in rounds])[0]


def show(name: str, rounds: list[dict[str, Round]]) -> None:
    """Print what each edge did in a good round, and how far apart the rounds are."""
    for edge in rounds[0]:
        low, _, high = statistics.quantiles([each[edge].per_second for each in rounds])
        say(
            f"{name}, {edge:>9}: {high:6.0f} requests/s at {cpu_us(rounds, edge):.1f} µs of CPU "
            f"(half of the rounds in {low:.0f} to {high:.0f})"
        )
    for over in ("by hand", "reference"):
        requests = best(rounds, "rules") / best(rounds, over)
        cpu = cpu_us(rounds, "rules") / cpu_us(rounds, over)
        say(f"{name}, rules / {over}: requests {requests:.3f}, the edge's own CPU {cpu:.3f}")


def programs() -> list[Nginx]:
    """Return the system's NGINX and the wheel's, where there are two."""
    found = [find_nginx(None), nginx_from_wheel()]
    return [read_nginx(program) for program in dict.fromkeys(found) if program]


def main() -> int:
    """Print the table's over the hand-written file's requests a second, on each NGINX there is."""
    found, more = {}, {}
    listed = list(urlconf.paths(ROUTES))
    random.Random(1).shuffle(listed)
    for nginx in programs():
        name = f"nginx {'.'.join(map(str, nginx.version))}"
        with tempfile.TemporaryDirectory(prefix="tandem-") as scratch:
            paths = Path(scratch, "paths")
            paths.write_text("".join(f"{path}\n" for path in listed))
            with running(nginx, Path(scratch), ROUTES) as edges:
                rounds = measure(edges, paths)
        show(name, rounds)
        found[f"{name}, requests with the rules of {ROUTES} routes / two locations by hand"] = (
            Ratio(value=best(rounds, "rules") / best(rounds, "by hand"), at_least=0.97)
        )
        more[name] = {edge: [round(each[edge].per_second) for each in rounds] for edge in rounds[0]}
    return finish("bench-routes", found, packages=("django",), rounds=more)


if __name__ == "__main__":
    run(main)
