"""
StatsD: the requests of both stacks under Gunicorn's own names.

Where they are sent is in STATSD_ARGS of the live generation.
"""

import argparse
import os
import queue
import random
import re
import shlex
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django_tandem import environment
from django_tandem.errors import TandemError
from django_tandem.model.state import State
from django_tandem.monitor.minutes import EDGE_FILES
from django_tandem.monitor.request_lines import EDGE, RequestLine
from django_tandem.runtime.waiting import report

DEFAULT_PORT = 8125
# What the path to a server may carry in one packet, as StatsD's authors recommend for Ethernet.
DATAGRAM_BYTES = 1432
# Durations of a flush; of more requests these are a sample, and each has its rate.
MOST_DURATIONS = 1000
# Datagrams that wait while the server's name is resolved; further ones are dropped.
MOST_WAITING = 1000
# Until the name is resolved again: after a failure, and otherwise.
RETRY_S = 1.0
RESOLVE_AGAIN_S = 60.0
SEND_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StatsdTarget:
    """
    Where metrics are sent, and what all of them have in common.

    ``address`` is a host and a port, or the path of a socket. ``prefix`` ends with a dot if there
    is one. ``tags`` are DogStatsD's, separated by commas.
    """

    address: str | tuple[str, int]
    prefix: str = ""
    tags: str = ""


def read_target(arguments: str) -> StatsdTarget | None:
    """
    Read STATSD_ARGS: those of Gunicorn's arguments that are on StatsD.

    Returns None without a ``--statsd-host``; raises ValueError for one that is no address.
    """
    parser = argparse.ArgumentParser(add_help=False, exit_on_error=False)
    parser.add_argument("--statsd-host", default="")
    parser.add_argument("--statsd-prefix", default="")
    parser.add_argument("--dogstatsd-tags", default="")
    try:
        given, _ = parser.parse_known_args(shlex.split(arguments))
    except argparse.ArgumentError as error:
        raise ValueError(str(error)) from error
    if not given.statsd_host:
        return None
    return StatsdTarget(
        address=_read_address(given.statsd_host),
        # Gunicorn's rule.
        prefix=re.sub(r"^(.+[^.]+)\.*$", r"\g<1>.", given.statsd_prefix),
        tags=given.dogstatsd_tags,
    )


def _read_address(text: str) -> str | tuple[str, int]:
    if text.startswith("unix:") and not re.fullmatch(r"unix:\d+", text):
        return text.removeprefix("unix:").removeprefix("//")
    found = re.fullmatch(r"(?:\[(?P<v6>.+)\]|(?P<host>[^:]+))(?::(?P<port>\d+))?", text)
    if not found:
        raise ValueError(f"{text!r} is not an address")
    return found["v6"] or found["host"], int(found["port"] or DEFAULT_PORT)


class OutgoingMetrics:
    """The requests that were counted since the last flush, as the metrics that are sent."""

    def __init__(self) -> None:
        self._statuses: dict[int, int] = {}
        self._durations: list[float] = []
        self._timed = 0

    def add(self, status: int, duration_s: float | None) -> None:
        """Count a request; a WebSocket or an event stream has no duration."""
        self._statuses[status] = self._statuses.get(status, 0) + 1
        if duration_s is None:
            return
        self._timed += 1
        if len(self._durations) < MOST_DURATIONS:
            self._durations.append(duration_s)
        elif (place := random.randrange(self._timed)) < MOST_DURATIONS:  # noqa: S311 - a sample
            self._durations[place] = duration_s

    def flush(self, workers: int | None) -> Iterator[str]:
        """Yield the metrics of the requests since the last flush, and the number of workers."""
        statuses, durations, timed = self._statuses, self._durations, self._timed
        self._statuses, self._durations, self._timed = {}, [], 0
        if workers is not None:
            yield f"gunicorn.workers:{workers}|g"
        if statuses:
            yield f"gunicorn.requests:{sum(statuses.values())}|c"
        for status, count in sorted(statuses.items()):
            yield f"gunicorn.request.status.{status}:{count}|c"
        rate = f"|@{len(durations) / timed:.6g}" if timed > len(durations) else ""
        for duration_s in durations:
            yield f"gunicorn.request.duration:{duration_s * 1000:.3f}|ms{rate}"


def make_datagrams(metrics: Iterable[str], target: StatsdTarget) -> Iterator[bytes]:
    """Yield ``metrics`` with the prefix and the tags of ``target``, several lines in each."""
    tags = f"|#{target.tags}" if target.tags else ""
    lines: list[bytes] = []
    size = 0
    for metric in metrics:
        line = f"{target.prefix}{metric}{tags}".encode()
        if lines and size + len(line) > DATAGRAM_BYTES:
            yield b"\n".join(lines)
            lines, size = [], 0
        lines.append(line)
        # With its newline.
        size += len(line) + 1
    if lines:
        yield b"\n".join(lines)


class StatsdSender:
    """
    Sends to ``target`` in a thread, since the name of a server may take seconds to resolve.

    What can't be sent is dropped, as UDP may drop it too.
    """

    def __init__(self, target: StatsdTarget) -> None:
        self.target = target
        self._metrics = OutgoingMetrics()
        self._waiting: queue.Queue[bytes | None] = queue.Queue(MOST_WAITING)
        self._thread = threading.Thread(target=self._run, name="statsd", daemon=True)
        self._thread.start()

    def add(self, status: int, duration_s: float | None) -> None:
        """Count a request; a WebSocket or an event stream has no duration."""
        self._metrics.add(status, duration_s)

    def flush(self, workers: int | None = None) -> None:
        """Send what has been counted since the last flush."""
        for datagram in make_datagrams(self._metrics.flush(workers), self.target):
            with suppress(queue.Full):
                self._waiting.put_nowait(datagram)

    def close(self, within_s: float = 0.5) -> None:
        """End, once what has been flushed is sent or ``within_s`` is over."""
        with suppress(queue.Full):
            self._waiting.put(None, timeout=within_s)
        self._thread.join(within_s)

    def _run(self) -> None:
        server = _Server(self.target.address)
        while (datagram := self._waiting.get()) is not None:
            server.send(datagram)
        server.close()


class _Server:
    """A socket that is connected to the address, again from time to time and after a failure."""

    def __init__(self, address: str | tuple[str, int]) -> None:
        self._address = address
        self._socket: socket.socket | None = None
        self._connect_at = 0.0

    def send(self, datagram: bytes) -> None:
        """Send a datagram, or drop it."""
        if time.monotonic() >= self._connect_at:
            self._connect()
        if self._socket is None:
            return
        try:
            self._socket.send(datagram)
        except OSError:
            # Nobody listens at present, or does at a socket of the same name.
            self._connect_at = min(self._connect_at, time.monotonic() + RETRY_S)

    def close(self) -> None:
        """Close the socket."""
        if self._socket is not None:
            self._socket.close()

    def _connect(self) -> None:
        try:
            made = _connected(self._address)
        except OSError:
            # While its name can't be resolved, the server may still be where it was.
            self._connect_at = time.monotonic() + RETRY_S
            return
        self.close()
        self._socket, self._connect_at = made, time.monotonic() + RESOLVE_AGAIN_S


def _connected(address: str | tuple[str, int]) -> socket.socket:
    if isinstance(address, str):
        return _connect(socket.AF_UNIX, address)
    family, _, _, _, resolved = socket.getaddrinfo(*address, type=socket.SOCK_DGRAM)[0]
    return _connect(family, resolved)


def _connect(family: int, address: Any) -> socket.socket:
    made = socket.socket(family, socket.SOCK_DGRAM)
    try:
        # A server that does not read its Unix socket must not keep the thread.
        made.settimeout(SEND_S)
        made.connect(address)
    except OSError:
        made.close()
        raise
    return made


class StatsdExport:
    """Counts the requests that a stack answered, and sends to no server or to one."""

    def __init__(self) -> None:
        self._sender: StatsdSender | None = None

    def configure(self, state: State) -> None:
        """Send where STATSD_ARGS says, in ENV_FILE or else in this process's environment."""
        try:
            target = read_target(_arguments(state))
        except ValueError as error:
            report(f"Nothing is sent by StatsD: STATSD_ARGS can't be read: {error}.")
            target = None
        except TandemError as error:
            # The generation before has read the file, and had a target then.
            report(error.message)
            return
        if target != self._target:
            self.close()
            self._sender = StatsdSender(target) if target else None

    def add(self, line: RequestLine) -> None:
        """Count a request that was for a stack, whether that answered or not."""
        if self._sender is not None and not _is_of_edge(line):
            self._sender.add(line.status, None if line.is_long else _duration_s(line))

    def flush(self, workers: int) -> None:
        """Send what has been counted since the last flush, and the number of workers."""
        if self._sender is not None:
            self._sender.flush(workers)

    def close(self) -> None:
        """Send what has been counted, and end."""
        if self._sender is not None:
            self._sender.flush()
            self._sender.close()
        self._sender = None

    @property
    def _target(self) -> StatsdTarget | None:
        return self._sender.target if self._sender else None


def _arguments(state: State) -> str:
    # A generation reads its files again, and they take precedence.
    named = [dict(each.environment).get(environment.ENV_FILE, "") for each in state.processes]
    files = next(filter(None, named), "")
    variables = dict(os.environ)
    if files:
        # With all readers of settings: most stacks have no ENV_FILE, and this takes a megabyte.
        from django_tandem.runtime.trusted_env_files import read_trusted  # noqa: PLC0415

        variables.update(read_trusted(filter(None, files.split(os.pathsep))))
    return variables.get(environment.STATSD_ARGS, "")


def _is_of_edge(line: RequestLine) -> bool:
    # That of a stack which has not answered has its route.
    return line.stack == EDGE and line.route == EDGE_FILES


def _duration_s(line: RequestLine) -> float:
    """Return the time in the worker, which is what Gunicorn measures, or else at the edge."""
    if line.worker_s is None:
        return line.duration_s
    return max(0.0, line.worker_s - (line.queue_s or 0.0))
