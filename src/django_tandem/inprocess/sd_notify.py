"""Messages to systemd: datagrams to the socket that NOTIFY_SOCKET names (sd_notify(3))."""

import contextlib
import os
import socket
from collections.abc import Mapping

SOCKET = "NOTIFY_SOCKET"
WATCHDOG_PID, WATCHDOG_USEC = "WATCHDOG_PID", "WATCHDOG_USEC"
# systemd reads at once; a socket that nobody reads must not block the sender for longer.
SEND_S = 1.0


def send(address: str, *assignments: str) -> None:
    """Send ``assignments``, such as ``READY=1``, in one datagram; an empty address sends none."""
    if not address:
        return
    # "@" stands for the zero byte of a name in the abstract namespace.
    name = f"\0{address[1:]}" if address.startswith("@") else address
    # The process that started us may have ended, and that is no reason to stop serving.
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sending:
        sending.settimeout(SEND_S)
        sending.sendto("\n".join(assignments).encode(), name)


def watchdog_interval_s(environ: Mapping[str, str]) -> float:
    """Return half of WatchdogSec, at which this process is to send WATCHDOG=1; 0 without one."""
    usec = environ.get(WATCHDOG_USEC, "")
    is_for_this = environ.get(WATCHDOG_PID, "") in ("", str(os.getpid()))
    return int(usec) / 2_000_000 if usec.isdecimal() and is_for_this else 0.0
