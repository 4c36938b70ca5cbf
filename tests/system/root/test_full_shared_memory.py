"""A project that counts Prometheus metrics outlives a full file system, such as /dev/shm."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.small_disks import small_disk

COUNTS = """
from django_tandem.inprocess import metrics_file

metrics_file.install()
from prometheus_client import Counter

orders = Counter("orders", "Orders.", ["customer"])
for number in range(5000):
    orders.labels(customer=f"{number:050d}").inc()
print(sum(orders.labels(customer=f"{number:050d}")._value.get() for number in range(5000)))
"""


@pytest.fixture
def small(tmp_path) -> Iterator[Path]:
    """A file system with less room than the metrics need."""
    with small_disk(tmp_path / "shm", 256) as disk:
        yield disk


def test_a_process_that_finds_no_room_for_its_metrics_counts_on(small) -> None:
    """A write to a hole of the mapped file would end it with SIGBUS."""
    environ = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(small)}
    ended = subprocess.run(
        [sys.executable, "-c", COUNTS], env=environ, capture_output=True, text=True, check=False
    )

    assert (ended.returncode, ended.stdout) == (0, "5000.0\n")
    (file,) = small.iterdir()
    (warning,) = ended.stderr.splitlines()
    assert warning.startswith(f"No space for {file}: metrics of process ")
