"""
What a second WSGI host brings, and the CPU seconds of a request by role.

The example's auction on five hosts, which are network namespaces of this machine. Where they have
too few CPUs to themselves, two hosts serve no more than one; what then counts are the CPU seconds
of a request in each role, from which the page on capacity plans.
"""

import asyncio
import os
import statistics
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import sleep

import psutil
from cluster.auction import Auction, Role, serving
from faults.sockets import Sockets
from results import Ratio, finish, run, say
from rounds import Rates, Wrk, show

ROUNDS = 5
SECONDS = 4
WARM_S = 2
CONNECTIONS = 8
LIST, ASYNC = "/api/lots/", "/strawberry/?query=%7B__typename%7D"
SOCKETS = 1000
SOCKET_PATH = "/ws/lots/1/"
# The edge tries a peer that was down again after two seconds.
KNOWN_S = 3.0
# One for each: the edge, two WSGI hosts of two workers, the data, and the load.
ENOUGH_CPUS = 7
DATA = "data"


@dataclass(frozen=True, kw_only=True)
class Round:
    """The rate of one round, and the CPU milliseconds of a request by the host that spent them."""

    per_second: float
    cpu_ms: dict[str, float]

    @property
    def wsgi_ms(self) -> float:
        return self.cpu_ms["wsgi1"] + self.cpu_ms["wsgi2"]


@dataclass(frozen=True, kw_only=True)
class Socket:
    """The memory in kB of an open WebSocket, in the stack and at the edge."""

    asgi_kb: float
    edge_kb: float


def family(process: psutil.Process) -> list[psutil.Process]:
    return [process, *process.children(recursive=True)]


def processes(auction: Auction, host: str) -> list[psutil.Process]:
    """Return the processes of a role, or those of the databases."""
    if host != DATA:
        started = auction.roles[host].process
        is_running = started is not None and started.poll() is None
        return family(psutil.Process(started.pid)) if is_running else []
    return [each for started in auction.data for each in family(psutil.Process(started.pid))]


def cpu_s(auction: Auction, host: str) -> float:
    """Return the CPU seconds so far, those of children that have ended included."""
    # PostgreSQL has a process for each connection, and the example a connection for each request.
    used = [each.cpu_times() for each in processes(auction, host)]
    return sum(each.user + each.system + each.children_user + each.children_system for each in used)


def load(auction: Auction, path: str) -> Round:
    """Ask for ``path`` for a round; raises RuntimeError if a request failed."""
    # The first requests of a worker import what Django and DRF import lazily.
    Wrk(connections=CONNECTIONS, seconds=WARM_S).load(auction.url + path)
    hosts = (*auction.roles, DATA)
    before = {host: cpu_s(auction, host) for host in hosts}
    wrk = Wrk(connections=CONNECTIONS, seconds=SECONDS)
    rate = wrk.load(auction.url + path)
    requests = rate * SECONDS
    spent = {host: (cpu_s(auction, host) - before[host]) / requests * 1000 for host in hosts}
    return Round(per_second=rate, cpu_ms=spent)


@contextmanager
def stopped(role: Role) -> Iterator[None]:
    """Take a host out of service for the length of the block."""
    role.stop()
    try:
        sleep(KNOWN_S)
        yield
    finally:
        role.start()
        sleep(KNOWN_S)


def alternated(auction: Auction) -> dict[str, list[Round]]:
    """Measure the list on two WSGI hosts and on one, in turn."""
    found: dict[str, list[Round]] = {"two": [], "one": []}
    for _ in range(ROUNDS):
        found["two"].append(load(auction, LIST))
        with stopped(auction.roles["wsgi2"]):
            found["one"].append(load(auction, LIST))
    return found


async def sockets(auction: Auction) -> Socket:
    """Return the memory of an idle WebSocket."""

    def private_kb(host: str) -> float:
        found = processes(auction, host)
        return sum(each.memory_full_info().uss for each in found) / 1024

    # What the first connections of a process allocate is not of each socket.
    async with Sockets(auction.url, SOCKETS // 10, (SOCKET_PATH,)):
        before = {host: private_kb(host) for host in ("asgi", "edge")}
        async with Sockets(auction.url, SOCKETS, (SOCKET_PATH,)):
            grown = {host: (private_kb(host) - before[host]) / SOCKETS for host in before}
    return Socket(asgi_kb=grown["asgi"], edge_kb=grown["edge"])


def median(rounds: list[Round], of: Callable[[Round], float]) -> float:
    return statistics.median(map(of, rounds))


def report(title: str, rounds: list[Round]) -> dict[str, float]:
    """Print and return the CPU milliseconds of a request by host."""
    hosts = rounds[0].cpu_ms
    spent = {
        host: round(statistics.median(each.cpu_ms[host] for each in rounds), 3) for host in hosts
    }
    say(f"{title}, CPU ms a request: " + ", ".join(f"{key} {spent[key]:.2f}" for key in spent))
    return spent


def main() -> int:
    """Print the ratios, each of which has to reach its bound."""
    with serving() as auction:
        found = alternated(auction)
        asynchronous = [load(auction, ASYNC) for _ in range(ROUNDS)]
        socket = asyncio.run(sockets(auction))
    rates: Rates = {name: [each.per_second for each in rounds] for name, rounds in found.items()}
    rates["async"] = [each.per_second for each in asynchronous]
    show("requests", rates)
    cpu_ms = {
        "list, two WSGI hosts": report("list, two WSGI hosts", found["two"]),
        "list, one WSGI host": report("list, one WSGI host", found["one"]),
        "async endpoint": report("async endpoint", asynchronous),
    }
    say(f"an idle WebSocket: {socket.asgi_kb:.1f} kB of ASGI, {socket.edge_kb:.1f} kB of the edge")
    is_enough = (os.cpu_count() or 1) >= ENOUGH_CPUS
    name, gain = gained(found, is_enough=is_enough)
    edge = median(found["one"], lambda each: each.cpu_ms["edge"]) / median(
        found["two"], lambda each: each.cpu_ms["edge"]
    )
    return finish(
        "bench-cluster",
        {
            name: Ratio(value=gain, at_least=1.8),
            "CPU of the edge a request: one WSGI host / two": Ratio(value=edge, at_least=0.9),
        },
        packages=("django", "gunicorn", "uvicorn", "channels"),
        cpu_ms=cpu_ms,
        requests_per_s={key: round(statistics.median(each)) for key, each in rates.items()},
        socket_kb={"asgi": round(socket.asgi_kb, 1), "edge": round(socket.edge_kb, 1)},
    )


def gained(found: dict[str, list[Round]], *, is_enough: bool) -> tuple[str, float]:
    """
    Return what two WSGI hosts serve over what one does, and how it was found.

    Hosts that share their CPUs can't show it: then it is what each would serve of a CPU's time.
    """
    one, two = found["one"], found["two"]
    if is_enough:
        ratio = median(two, lambda each: each.per_second) / median(
            one, lambda each: each.per_second
        )
        return "requests/s: two WSGI hosts / one", ratio
    say("Too few CPUs for separate hosts: two hosts over one is computed from CPU seconds.")
    ratio = 2 * median(one, lambda each: each.wsgi_ms) / median(two, lambda each: each.wsgi_ms)
    return "requests a CPU second of WSGI, times hosts: two / one", ratio


if __name__ == "__main__":
    run(main)
