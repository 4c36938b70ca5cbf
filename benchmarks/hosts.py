"""
What a second WSGI host brings, and the CPU seconds of a request by role.

The example's auction on five hosts, which are network namespaces of this machine. Where they have
too few CPUs to themselves, two hosts serve no more than one, and each makes the other's requests
dearer. The ratio is then computed, and its name says so: from the CPU seconds of a request on WSGI
hosts that share no CPU with each other. The page on capacity plans from these.
"""

import asyncio
import functools
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
# As many for each WSGI host: fewer would leave its workers idle between two requests, and each
# would then take the CPU time of a wake-up more.
CONNECTIONS_A_HOST = 8
LIST, ASYNC = "/api/lots/", "/strawberry/?query=%7B__typename%7D"
SOCKETS = 1000
SOCKET_PATH = "/ws/lots/1/"
# The edge tries a peer that was down again after two seconds.
KNOWN_S = 3.0
# One for each: the edge, two WSGI hosts of two workers, the data, and the load.
ENOUGH_CPUS, CPUS_A_HOST = 7, 2
DATA = "data"
# What the arithmetic is for, at a share of the CPUs that leaves room.
TARGET_PER_S, SHARE = 100_000, 0.6


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


def pin(auction: Auction) -> None:
    """Give each WSGI host CPUs that the other one does not use, and the rest to the others."""
    cpus = allowed_cpus()
    size = CPUS_A_HOST if has_enough_cpus() else 1
    places = {"wsgi1": cpus[:size], "wsgi2": cpus[size : 2 * size] or cpus}
    rest = cpus[2 * size :] if has_enough_cpus() else cpus
    for host in (*auction.roles, DATA):
        for process in processes(auction, host):
            process.cpu_affinity(places.get(host, rest))
    # Of the load, too, which inherits it.
    psutil.Process().cpu_affinity(rest)


@functools.cache
def allowed_cpus() -> list[int]:
    """Return the CPUs of the benchmark, before it leaves some to the WSGI hosts alone."""
    return sorted(os.sched_getaffinity(0))


def has_enough_cpus() -> bool:
    return len(allowed_cpus()) >= ENOUGH_CPUS


def load(auction: Auction, path: str, *, hosts_loaded: int = 1) -> Round:
    """Request ``path`` for a round; raises RuntimeError if a request failed."""
    connections = CONNECTIONS_A_HOST * hosts_loaded
    # The first requests of a worker import what Django and DRF import lazily.
    Wrk(connections=connections, seconds=WARM_S).load(auction.url + path)
    hosts = (*auction.roles, DATA)
    before = {host: cpu_s(auction, host) for host in hosts}
    wrk = Wrk(connections=connections, seconds=SECONDS)
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


@dataclass(frozen=True, kw_only=True)
class Compared:
    """The rounds on two WSGI hosts and on one, those of a number one after the other."""

    two: list[Round]
    one: list[Round]


def alternated(auction: Auction) -> Compared:
    """Measure the list on two WSGI hosts and on one, in turn."""
    found = Compared(two=[], one=[])
    for _ in range(ROUNDS):
        pin(auction)
        found.two.append(load(auction, LIST, hosts_loaded=2))
        with stopped(auction.roles["wsgi2"]):
            pin(auction)
            found.one.append(load(auction, LIST))
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
    one, two = found.one, found.two
    measured = {"two": two, "one": one, "async": asynchronous}
    rates: Rates = {name: [each.per_second for each in rounds] for name, rounds in measured.items()}
    show("requests", rates)
    titles = {
        "list, two WSGI hosts": two,
        "list, one WSGI host": one,
        "async endpoint": asynchronous,
    }
    cpu_ms = {title: report(title, rounds) for title, rounds in titles.items()}
    plan(cpu_ms["list, one WSGI host"])
    say(f"an idle WebSocket: {socket.asgi_kb:.1f} kB of ASGI, {socket.edge_kb:.1f} kB of the edge")
    name, gain = measured_gain(found) if has_enough_cpus() else computed_gain(found)
    edge = paired(one, two, lambda each: each.cpu_ms["edge"])
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


def plan(cpu_ms: dict[str, float]) -> None:
    """Print the CPUs of each role for the target, from the CPU milliseconds of a request."""
    roles = {"WSGI": cpu_ms["wsgi1"] + cpu_ms["wsgi2"], "edge": cpu_ms["edge"]}
    roles["PostgreSQL"] = cpu_ms[DATA]
    cpus = {role: TARGET_PER_S * ms / 1000 / SHARE for role, ms in roles.items()}
    listed = ", ".join(f"{count:.0f} of {role}" for role, count in cpus.items())
    say(f"computed: {TARGET_PER_S:,} requests/s at {SHARE:.0%} of the CPUs take {listed}")


def paired(over: list[Round], under: list[Round], of: Callable[[Round], float]) -> float:
    """Return the median of the ratios of rounds with the same number, which are neighbours."""
    return statistics.median(of(a) / of(b) for a, b in zip(over, under, strict=True))


def measured_gain(found: Compared) -> tuple[str, float]:
    """Return what two WSGI hosts serve over what one does."""
    ratio = paired(found.two, found.one, lambda each: each.per_second)
    return "requests/s: two WSGI hosts / one", ratio


def computed_gain(found: Compared) -> tuple[str, float]:
    """Return what two hosts would serve over one, each on CPUs of its own: its CPU time decides."""
    _, shared = measured_gain(found)
    say(
        f"measured: on {len(allowed_cpus())} CPUs for all hosts and the load, two WSGI hosts serve "
        f"{shared:.2f} times what one does; separate hosts take {ENOUGH_CPUS} CPUs or more"
    )
    dearer = paired(found.two, found.one, lambda each: each.wsgi_ms)
    return "COMPUTED from WSGI's CPU time of a request: two WSGI hosts / one", 2 / dearer


if __name__ == "__main__":
    run(main)
