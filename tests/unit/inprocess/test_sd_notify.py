"""Datagrams to systemd, at a socket of the tests in its place."""

import os
import socket

import psutil
import pytest

from django_tandem.inprocess import sd_notify


@pytest.mark.parametrize("is_abstract", [False, True], ids=["path", "abstract"])
def test_assignments_are_one_datagram(is_abstract, tmp_path) -> None:
    """systemd names its socket by a path, or by a name in the abstract namespace."""
    name = f"@tandem-{os.getpid()}" if is_abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(name.replace("@", "\0") if is_abstract else name)
        systemd.settimeout(5)
        sd_notify.send(name, "READY=1", "STATUS=Live")

        assert systemd.recv(1024) == b"READY=1\nSTATUS=Live"


@pytest.mark.parametrize("address", ["", "/does/not/exist", "@tandem-no-such-socket"])
def test_a_socket_that_nobody_reads_is_no_error(address) -> None:
    """A stack that systemd did not start has none; nor is a descriptor left open."""
    before = psutil.Process().num_fds()

    sd_notify.send(address, "READY=1")

    assert psutil.Process().num_fds() == before


@pytest.mark.parametrize(
    ("environ", "interval_s"),
    [
        ({}, 0),
        ({"WATCHDOG_USEC": "60000000"}, 30),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": str(os.getpid())}, 30),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "1"}, 0),
        ({"WATCHDOG_USEC": "soon"}, 0),
    ],
    ids=["none", "no pid", "own pid", "pid of another process", "no number"],
)
def test_the_watchdog_gets_a_message_at_half_its_time(environ, interval_s) -> None:
    """From the process alone that systemd means."""
    assert sd_notify.watchdog_interval_s(environ) == interval_s
