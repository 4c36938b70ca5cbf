"""The project's own metrics, as prometheus_client's processes have written them."""

import struct
import subprocess
import sys

import pytest

from django_tandem.inprocess.prometheus_files import VARIABLE
from django_tandem.monitor import project_metrics

pytestmark = pytest.mark.processes

PROCESS = """
import os, sys
from prometheus_client import Counter, Gauge
Counter("orders", "Orders.").inc(2)
Counter("tandem_orders", "Of a name that is ours.").inc()
Gauge("basket", "Baskets.", multiprocess_mode="livesum").set(3)
print(os.getpid(), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def start(tmp_path):
    """Start a process of a generation that counts, until its input ends."""
    started = []

    def start_one(generation):
        directory = tmp_path / f"prometheus-{generation}"
        directory.mkdir(exist_ok=True)
        process = subprocess.Popen(
            [sys.executable, "-c", PROCESS],
            env={VARIABLE: str(directory)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        process.stdout.readline()
        started.append(process)
        return process

    yield start_one
    for each in started:
        each.communicate()


def values(run_dir, warn):
    return {
        sample.name: sample.value
        for metric in project_metrics.read(run_dir, warn)
        for sample in metric.samples
    }


def test_the_counts_of_all_generations_are_added(tmp_path, start) -> None:
    """A gauge of running processes is without those that have ended; ours is left out."""
    start(1)
    ended = start(2)
    both = values(tmp_path, lambda text: None)
    ended.communicate()
    warnings = []
    after = values(tmp_path, warnings.append)

    assert both == {"orders_total": 4, "basket": 6}
    assert after == {"orders_total": 4, "basket": 3}
    assert warnings == [
        "The project's metric tandem_orders is not on the monitor's page, which has that name "
        "itself. Rename it."
    ]
    assert not list(tmp_path.glob(f"*/gauge_livesum_{ended.pid}.db"))


MASTER = """
import os, sys
from prometheus_client import Gauge
gauges = {mode: Gauge(f"{mode}_baskets", "Baskets.", multiprocess_mode=mode)
          for mode in ("min", "livemin", "all", "liveall", "sum")}
Gauge("version", "Set at the import.", multiprocess_mode="all").set(7)
worker = os.fork()
if worker == 0:
    for gauge in gauges.values():
        gauge.set(3)
    print(os.getpid(), flush=True)
sys.stdin.read()
"""


def test_a_gauge_that_only_a_worker_sets_has_the_value_of_the_worker(tmp_path) -> None:
    """The master, which is its parent, has it at 0 since it loaded the project."""
    (tmp_path / "prometheus-1").mkdir()
    with subprocess.Popen(
        [sys.executable, "-c", MASTER],
        env={VARIABLE: str(tmp_path / "prometheus-1")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as master:
        worker = int(master.stdout.readline())
        found = project_metrics.read(tmp_path, pytest.fail, workers=[worker])
        master.stdin.close()

    samples = {
        (sample.name, sample.labels.get("pid")): sample.value
        for metric in found
        for sample in metric.samples
    }
    assert samples.pop(("version", str(master.pid))) == 7
    samples.pop(("version", str(worker)), None)
    assert samples == {
        ("min_baskets", None): 3,
        ("livemin_baskets", None): 3,
        ("all_baskets", str(worker)): 3,
        ("liveall_baskets", str(worker)): 3,
        ("sum_baskets", None): 3,
    }


def test_a_project_without_metrics_has_none(tmp_path) -> None:
    """There is no directory then."""
    assert project_metrics.read(tmp_path, pytest.fail) == ()


def test_a_damaged_file_is_named_and_ours_stay(tmp_path) -> None:
    """The page has what the monitor itself counts."""
    (tmp_path / "prometheus-1").mkdir()
    key = b"no JSON!"
    content = struct.pack("<iii", 64, 0, len(key)) + key
    (tmp_path / "prometheus-1" / "counter_7.db").write_bytes(content.ljust(64, b"\0"))
    warnings = []

    assert project_metrics.read(tmp_path, warnings.append) == ()
    assert len(warnings) == 1
    assert warnings[0].startswith("The project's Prometheus metrics can't be read: ")
