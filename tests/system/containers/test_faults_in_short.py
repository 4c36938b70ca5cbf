"""The container's rows of `make faults`, in short: one container, and a lighter load."""

import asyncio

import pytest
from faults.containers import fill_disk, hang, served
from faults.row import Row

# The first of them builds the image, on a machine that runs other tests at the same time.
pytestmark = pytest.mark.timeout(600)

RATE = 20
SOCKETS = 5


def test_a_full_run_directory_and_a_process_1_that_hangs_fail_no_request(image) -> None:
    """A reload is refused until there is room; status and down end, and so does the container."""
    with served() as container:
        full: Row = asyncio.run(fill_disk(container, rate=RATE, sockets=SOCKETS))
        hung: Row = asyncio.run(hang(container, rate=RATE, sockets=SOCKETS))

    assert full.short == [], (full.failed, full.notes)
    assert hung.short == [], (hung.failed, hung.notes)
    assert full.notes[0] == "The file system of /run/tandem is full: No space left on device."
    assert hung.notes[2:] == (
        "supervisord does not answer in /run/tandem, and is process 1 of this container.",
        "  The container runtime alone can end it: stop the container.",
    )
