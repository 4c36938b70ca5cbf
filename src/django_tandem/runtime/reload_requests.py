"""
For RELOAD_GROUP alone: reloads that its members request from a stack of another user.

The run directory is its owner's alone, and stays so. A member's `tandem reload` connects to a
socket of the stack's supervisord, which starts the reload as the stack's own user, in its own
environment: ``python -m django_tandem.runtime.reload_requests RUN_DIR``, with the connection as
its stdin. What the reload prints comes back line by line, and its exit code last.
"""

import contextlib
import hashlib
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from django_tandem.errors import EXIT_FAILED, EXIT_USAGE, MachineError, RefusedError
from django_tandem.runtime.project_commands import command, environment_of
from django_tandem.runtime.state import read_state

UNREADABLE = "The stack runs another version of tandem, which does not know such a request."
# A request has a few options.
LONGEST_REQUEST = 4096
# supervisord accepts within its loop.
CONNECT_S = 10
CREDENTIALS = struct.Struct("3i")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReloadRequest:
    """The options of `tandem reload` that another user may choose: none that names code."""

    timeout_s: int
    is_waiting: bool = False
    drain_s: int | None = None
    drain_mode: str | None = None
    is_terse: bool = False
    has_traceback: bool = False

    @property
    def arguments(self) -> list[str]:
        """The arguments of the reload."""
        return [
            *("--timeout", str(self.timeout_s)),
            *(["--wait"] if self.is_waiting else []),
            *(["--drain", str(self.drain_s)] if self.drain_s is not None else []),
            *(["--drain", self.drain_mode] if self.drain_mode else []),
            *(["--terse"] if self.is_terse else []),
            *(["--traceback"] if self.has_traceback else []),
        ]


def read_request(line: bytes) -> ReloadRequest:
    """Return the request of another user's process; raises ValueError for any other object."""
    try:
        request = ReloadRequest(**json.loads(line))
    except (TypeError, RecursionError) as error:
        # No object, one of another version, or thousands of brackets.
        raise ValueError(str(error)) from error
    if not _has_types(request):
        raise ValueError("an option of another type")
    return request


def _has_types(request: ReloadRequest) -> bool:
    numbers = (request.timeout_s, *([] if request.drain_s is None else [request.drain_s]))
    flags = (request.is_waiting, request.is_terse, request.has_traceback)
    return (
        all(type(each) is int for each in numbers)
        and all(type(each) is bool for each in flags)
        and request.drain_mode in (None, "spread", "wait")
    )


def address(run_dir: Path, owner: int) -> str:
    """
    Return the name of the socket on which the stack of user ``owner`` takes requests.

    In the abstract namespace of Linux: it is no file, and the run directory stays closed.
    """
    found = run_dir.stat()
    # Containers on the network of their host may have the same path.
    place = f"{found.st_dev}:{found.st_ino}:".encode() + os.fsencode(run_dir)
    digest = hashlib.sha256(place).hexdigest()[:16]
    return f"\0tandem-reload-{owner}-{digest}"


def peer_uid(connection: socket.socket) -> int:
    """Return the number of the user at the other end, by the kernel."""
    read = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size)
    return int(CREDENTIALS.unpack(read)[1])


def request_reload(
    run_dir: Path, request: ReloadRequest, report: Callable[[str], None]
) -> int | None:
    """
    Have the stack of another user in ``run_dir`` reloaded, and return the exit code.

    None where no stack takes requests there. Raises MachineError when it ends before the reload.
    """
    owner = run_dir.stat().st_uid
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(CONNECT_S)
        try:
            connection.connect(address(run_dir, owner))
        except OSError:
            return None
        # Any user may take a free name.
        if peer_uid(connection) not in (owner, 0):
            return None
        connection.settimeout(None)
        # A refusal comes before the request is read: then this fails, and what was sent is there.
        with contextlib.suppress(OSError):
            connection.sendall(json.dumps(asdict(request)).encode() + b"\n")
        code = _read_answer(connection, report)
    if code is not None:
        return code
    raise MachineError(
        f"The stack in {run_dir} closed the connection before the reload ended.",
        hint="Check it with `tandem status`, as its user.",
    )


def _read_answer(connection: socket.socket, report: Callable[[str], None]) -> int | None:
    with contextlib.suppress(OSError), connection.makefile("rb") as lines:
        for line in lines:
            answer = json.loads(line)
            if "exit" in answer:
                return int(answer["exit"])
            report(str(answer["line"]))
    return None


def serve(run_dir: Path, connection: socket.socket) -> None:
    """Reload the stack in ``run_dir`` as the request on ``connection`` says."""
    with connection, connection.makefile("rb") as reading:
        connection.settimeout(CONNECT_S)
        try:
            request = read_request(reading.readline(LONGEST_REQUEST))
        except (OSError, ValueError):
            send(connection, line=UNREADABLE)
            send(connection, exit=EXIT_USAGE)
            return
        connection.settimeout(None)
        state = read_state(run_dir)
        if state is None:
            return
        try:
            argv, directory = command(state, "reload")
        except RefusedError as error:
            for each in str(error).splitlines():
                send(connection, line=each)
            send(connection, exit=EXIT_FAILED)
            return
        reading_end, writing_end = os.pipe()
        reload = subprocess.Popen(
            [*argv, *request.arguments],
            cwd=directory,
            env=environment_of(state),
            stdin=subprocess.DEVNULL,
            stdout=writing_end,
            stderr=writing_end,
        )
        os.close(writing_end)
        _relay(reload, reading_end, connection)
        with contextlib.suppress(OSError):
            send(connection, exit=reload.wait())


def send(connection: socket.socket, **answer: Any) -> None:
    """Send one line of the answer: ``line`` is text to print, ``exit`` the exit code."""
    connection.sendall(json.dumps(answer).encode() + b"\n")


def _relay(reload: "subprocess.Popen[bytes]", output: int, connection: socket.socket) -> None:
    """Send what the reload prints; interrupt it, as Ctrl-C does, when the client has gone."""
    rest, is_connected = b"", True
    while True:
        watched = [output, *([connection.fileno()] if is_connected else [])]
        readable, _, _ = select.select(watched, [], [])
        if connection.fileno() in readable:
            is_connected = False
            reload.send_signal(signal.SIGINT)
        if output not in readable:
            continue
        chunk = os.read(output, 65536)
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines if is_connected else ():
            is_connected = _try_to_send(connection, line)
        if not chunk:
            return


def _try_to_send(connection: socket.socket, line: bytes) -> bool:
    try:
        send(connection, line=line.decode(errors="replace"))
    except OSError:
        return False
    return True


def main(argv: list[str]) -> int:
    """Serve the request on stdin for the stack in the run directory ``argv[0]``."""
    serve(Path(argv[0]), socket.socket(fileno=sys.stdin.fileno()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
