"""A project's own Prometheus metrics, and django-prometheus, over all workers of both stacks."""

import http.client
import os
import signal
import socket
from itertools import count

from prometheus_client.parser import text_string_to_metric_families

from harness.client import ask, wait_for
from harness.stack import tandem

PAGES = count()


def metrics(text):
    """Return the samples by name and labels."""
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def page(stack):
    """Return the samples of the monitor's page."""
    connection = http.client.HTTPConnection("localhost", timeout=10)
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(str(stack.run_dir / "metrics.sock"))
    # The page is kept for a second for scrapers that accept the same.
    connection.request("GET", "/metrics", headers={"Accept": f"text/plain, text/x-{next(PAGES)}"})
    return metrics(connection.getresponse().read().decode())


def own_page(stack):
    """Return the samples of the project's own view."""
    return metrics(ask(stack.port, "/own/metrics").text)


def test_the_monitors_page_has_them_beside_its_own(stack) -> None:
    """Each request is counted once, whichever worker had it."""
    before = page(stack)
    for _ in range(6):
        assert ask(stack.port, "/sync/1/").status == 200
        assert ask(stack.port, "/async/1/").status == 200
    after, own = page(stack), own_page(stack)

    for key in (("shop_answers_total", "WSGIRequest"), ("shop_answers_total", "ASGIRequest")):
        assert after[key] - before.get(key, 0) == 6
        assert own[key] == after[key]
    assert after["django_http_requests_before_middlewares_total",] >= 12
    assert after["tandem_generation",] >= 1


def test_a_worker_that_has_ended_leaves_its_counts_and_no_gauge(stack) -> None:
    """Of the project's gauges of running workers."""
    pid = ask(stack.port, "/async/1/").json["pid"]
    before = page(stack)
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: page(stack)["shop_workers",] == before["shop_workers",] - 1)

    assert (
        page(stack)["shop_answers_total", "ASGIRequest"]
        == (before["shop_answers_total", "ASGIRequest"])
    )
    assert not list(stack.run_dir.glob(f"prometheus-*/gauge_live*_{pid}.db"))
    wait_for(lambda: ask(stack.port, "/async/1/").status == 200, within_s=20)


def test_counters_do_not_decrease_when_a_generation_has_ended(stack) -> None:
    """Prometheus would take that for a reset, and count the rest once more."""
    (before,) = stack.run_dir.glob("prometheus-*")
    ask(stack.port, "/sync/1/")
    counted = page(stack)["shop_answers_total", "WSGIRequest"]
    done = tandem(stack.directory, "reload", "--wait")
    wait_for(lambda: not before.exists(), within_s=20)
    ask(stack.port, "/sync/1/")

    assert done.returncode == 0, done.stderr
    assert page(stack)["shop_answers_total", "WSGIRequest"] == counted + 1
    assert own_page(stack)["shop_answers_total", "WSGIRequest"] == 1
