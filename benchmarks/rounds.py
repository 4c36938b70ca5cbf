"""Short rounds of each variant in turn, so that a slow spell of the machine meets all of them."""

import random
import resource
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from results import say

SUMMARY_LUA = Path(__file__).parent / "handler_project" / "summary.lua"

Rates = dict[str, list[float]]


def alternate(ask: Mapping[str, Callable[[], float]], rounds: int) -> Rates:
    """Ask each in turn, in another order each round, after one round that only warms them."""
    rates: Rates = {name: [] for name in ask}
    for number in range(rounds + 1):
        names = list(ask)
        random.Random(number).shuffle(names)
        for name in names:
            rate = ask[name]()
            if number:
                rates[name].append(rate)
    return rates


def ratio(rates: Rates, over: str, under: str) -> float:
    """Return the median rate of the one over that of the other."""
    return statistics.median(rates[over]) / statistics.median(rates[under])


def show(title: str, rates: Rates) -> None:
    """Print each variant's median, and what half of its rounds lie in."""
    for name, each in rates.items():
        low, middle, high = statistics.quantiles(each)
        say(
            f"{title}, {name}: {middle:.0f} requests/s (half of the rounds {low:.0f} to {high:.0f})"
        )


class Wrk:
    """The load generator, and how much of a CPU it took at most: near 1 it is what is measured."""

    busiest = 0.0

    def __init__(self, *, connections: int, seconds: float) -> None:
        self._argv = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(SUMMARY_LUA)]

    def load(self, url: str) -> float:
        """Ask for ``url`` and return the requests a second; raises RuntimeError if one failed."""
        started, before = time.perf_counter(), _children_cpu_s()
        done = subprocess.run([*self._argv, url], check=True, capture_output=True, text=True)
        cpu_s = _children_cpu_s() - before
        self.busiest = max(self.busiest, cpu_s / (time.perf_counter() - started))
        answered, failed, took_us = map(int, done.stdout.splitlines()[-1].split())
        if failed or not answered:
            raise RuntimeError(f"{url}: {failed} requests failed, {answered} were answered")
        return answered / took_us * 1e6


def _children_cpu_s() -> float:
    # Of those that have ended: wrk alone, as the servers run on.
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
