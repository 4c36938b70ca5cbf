"""What the monitor costs: requests/s with it and a scraper, and without; its CPU and memory."""

import http.client
import json
import os
import shutil
import signal
import socket
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
from example import copied, served
from results import Ratio, finish, run, say
from rounds import Rates, Wrk, alternate, show

from django_tandem.runtime import supervisord

ROUNDS = 15
# A request of the list computes, and what else computes changes each round by several percent.
LIST_ROUNDS = 60
SECONDS = 3
CONNECTIONS = 8
# By name: the path, and the rounds.
VIEWS = {
    "a 1 ms view": ("/millisecond/", ROUNDS),
    "the example's list": ("/api/lots/", LIST_ROUNDS),
}
URLS = """
import time
from config.urls import *
from django.http import HttpResponse
from django.urls import path


def millisecond(request):
    time.sleep(0.001)
    return HttpResponse("ok")


urlpatterns = [path("millisecond/", millisecond), *urlpatterns]
"""
SETTINGS = "ROOT_URLCONF = 'bench_urls'\n"
TANDEM = '{"WSGI": {"WORKERS": 2}, "ASGI": {"WORKERS": 1}, "MONITOR": %r}'
# Of the issue: at 1,000 requests a second, and of two thousand routes.
MOST_CPU, MOST_MB = 0.03, 40
# A page for Prometheus with each of the routes would have 6 MB, at one method and status a route.
MOST_PAGE_MB = 1
ROUTES = 2000


@dataclass(frozen=True, kw_only=True)
class Stack:
    """A stack that serves, and its run directory."""

    url: str
    run_dir: Path

    @property
    def monitor(self) -> psutil.Process:
        return psutil.Process(supervisord.pid_of(self.run_dir, "monitor"))

    def get(self, target: str) -> bytes:
        connection = http.client.HTTPConnection("localhost", timeout=30)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(str(self.run_dir / "metrics.sock"))
        connection.request("GET", target)
        return connection.getresponse().read()


@contextmanager
def stacks() -> Iterator[tuple[Stack, Stack]]:
    """Run one with a monitor and one without, of the same code and the same data."""
    with ExitStack() as stack:
        directory = stack.enter_context(copied())
        (directory / "bench_urls.py").write_text(URLS)
        other = Path(stack.enter_context(TemporaryDirectory(prefix="tandem-")), "p")
        shutil.copytree(directory, other)
        watched, alone = (
            Stack(
                url=stack.enter_context(served(each, TANDEM % monitor, more=SETTINGS)),
                run_dir=each / ".tandem",
            )
            for each, monitor in ((directory, True), (other, False))
        )
        yield watched, alone


@contextmanager
def repeated(work: Callable[[], object], each_s: float = 1.0) -> Iterator[None]:
    """Do something beside the block, again and again."""
    ended = threading.Event()

    def repeat() -> None:
        while not ended.wait(each_s):
            work()

    thread = threading.Thread(target=repeat)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def ratio(rates: Rates, over: str, under: str) -> float:
    """Return the median of the rounds' ratios: what slows the machine slows both of a round."""
    pairs = zip(rates[over], rates[under], strict=True)
    return statistics.median(one / other for one, other in pairs)


def cpu_s(process: psutil.Process) -> float:
    used = process.cpu_times()
    return used.user + used.system


def measure(watched: Stack, alone: Stack, path: str, rounds: int, shares: list[float]) -> Rates:
    """Return the rates with and without the monitor; add its CPU at 1,000 requests/s."""
    wrk = Wrk(connections=CONNECTIONS, seconds=SECONDS)

    def with_monitor() -> float:
        monitor = watched.monitor
        began, before = time.monotonic(), cpu_s(monitor)
        with repeated(lambda: watched.get("/metrics")):
            rate = wrk.load(watched.url + path)
        share = (cpu_s(monitor) - before) / (time.monotonic() - began)
        # At a lower rate, what it costs beside the requests is overestimated; never the reverse.
        shares.append(share * max(1.0, 1000 / rate))
        return rate

    rates = alternate({"with": with_monitor, "without": lambda: wrk.load(alone.url + path)}, rounds)
    show(path, rates)
    return rates


def measure_faults(watched: Stack, alone: Stack) -> tuple[float, float]:
    """Return the rates with a monitor that is killed, and with a stopped one, over without."""
    wrk = Wrk(connections=CONNECTIONS, seconds=SECONDS)
    path, rounds = VIEWS["a 1 ms view"]

    def kill() -> None:
        pid = supervisord.pid_of(watched.run_dir, "monitor")
        if pid:
            os.kill(pid, signal.SIGKILL)

    def killed() -> float:
        with repeated(kill, SECONDS / 2):
            return wrk.load(watched.url + path)

    def stopped() -> float:
        monitor = wait_for_monitor(watched)
        monitor.suspend()
        try:
            return wrk.load(watched.url + path)
        finally:
            monitor.resume()

    # A request that fails raises.
    variants = {
        "killed": killed,
        "stopped": stopped,
        "without": lambda: wrk.load(alone.url + path),
    }
    rates = alternate(variants, rounds)
    show(path, rates)
    return ratio(rates, "killed", "without"), ratio(rates, "stopped", "without")


def wait_for_monitor(watched: Stack) -> psutil.Process:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        with suppress(OSError, http.client.HTTPException):
            watched.get("/snapshot.json")
            return watched.monitor
        time.sleep(0.1)
    raise RuntimeError("The monitor does not answer.")


def measure_memory(watched: Stack) -> tuple[float, float]:
    """Return the memory of a monitor that knows many routes, at most, and its page, in MB."""
    monitor, most = wait_for_monitor(watched), 0.0
    until = time.time() + 130
    with (watched.run_dir / "requests.tsv").open("a") as lines:
        while time.time() < until:
            now = time.time()
            lines.writelines(line(number, now) for number in range(ROUTES))
            lines.flush()
            time.sleep(2)
            most = max(most, monitor.memory_full_info().pss / 1024**2)
    if lost := json.loads(watched.get("/snapshot.json"))["lost_lines"]:
        raise RuntimeError(f"The monitor could not read {lost} lines.")
    page_mb = len(watched.get("/metrics")) / 1024**2
    for target in ("/metrics", "/history.json", "/snapshot.json"):
        watched.get(target)
        most = max(most, monitor.memory_full_info().pss / 1024**2)
    return most, page_mb


def line(number: int, at: float) -> str:
    fields = (
        f"{at:.3f}", "200", "GET", "wsgi", f"0.001 0.001000 /area-{number}/<int:pk>/", "",
        f"0.{number % 1000:03d}", "0.002", "512", "text/html", f"{number:032x}",
        f"/area-{number}/1/",
    )  # fmt: skip
    return "\t".join(fields) + "\n"


def main() -> int:
    """Print the ratios, each of which has to reach its bound."""
    ratios: dict[str, Ratio] = {}
    shares: list[float] = []
    with stacks() as (watched, alone):
        for name, (path, rounds) in VIEWS.items():
            rates = measure(watched, alone, path, rounds, shares)
            ratios[f"{name}: with the monitor / without"] = Ratio(
                value=ratio(rates, "with", "without"), at_least=0.98
            )
        share = statistics.median(shares)
        killed, stopped = measure_faults(watched, alone)
        memory_mb, page_mb = measure_memory(watched)
    say(
        f"CPU of the monitor at 1,000 requests/s: {share:.4f}; memory: {memory_mb:.1f} MB; "
        f"page of {ROUTES} routes: {page_mb:.1f} MB"
    )
    ratios["0.03 CPU / the monitor's at 1,000 requests/s"] = Ratio(
        value=MOST_CPU / share, at_least=1
    )
    ratios["40 MB / the monitor's"] = Ratio(value=MOST_MB / memory_mb, at_least=1)
    ratios[f"{MOST_PAGE_MB} MB / the page of metrics"] = Ratio(
        value=MOST_PAGE_MB / page_mb, at_least=1
    )
    ratios["killed again and again / without"] = Ratio(value=killed, at_least=0.9)
    ratios["stopped / without"] = Ratio(value=stopped, at_least=0.98)
    return finish(
        "bench-monitor",
        ratios,
        packages=("django", "gunicorn", "prometheus-client"),
        cpu=round(share, 4),
        memory_mb=round(memory_mb, 1),
    )


if __name__ == "__main__":
    run(main)
