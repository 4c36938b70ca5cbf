"""
Commands of a project, run in forks of a process that has imported Django and tandem once.

A test of the command line starts many, and most of the time of each is the import. What the
command itself imports, sets or starts is in its own process, as with ``python -m``.
"""

import contextlib
import functools
import io
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO

# What an interpreter reads as it starts.
OF_PYTHON = ("PYTHON", "LANG", "LC_")
# Of these, what a fork can still do.
DONE_LATER = ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED")
# The address of the process that forks for all processes of the tests.
SHARED = "TANDEM_TESTS_FORKING"
FORKED = Path(__file__).with_name("forked.py")


def run(
    argv: list[str],
    directory: Path,
    environment: Mapping[str, str],
    *,
    timeout_s: float,
    is_merged: bool = False,
    python: str = sys.executable,
) -> subprocess.CompletedProcess[str]:
    """
    Run ``python argv…`` to its end, where argv is a module after "-m", or a script, and arguments.

    It returns when its output has ended too, as subprocess.run() does. Where it ``is_merged``,
    all output is in ``stdout``, as in a terminal. Raises TimeoutExpired.
    """
    process = start(argv, directory, environment, is_merged=is_merged, python=python)
    late = threading.Event()

    def end() -> None:
        late.set()
        process.kill()

    aside = process.stderr or io.StringIO()
    with process.stdout, aside, ThreadPoolExecutor(1) as pool:
        timer = threading.Timer(timeout_s, end)
        timer.start()
        stderr = pool.submit(aside.read)
        stdout, code = process.stdout.read(), process.wait()
        timer.cancel()
    if late.is_set():
        raise subprocess.TimeoutExpired(argv, timeout_s, stdout, stderr.result())
    return subprocess.CompletedProcess(argv, code, stdout, stderr.result())


def start(
    argv: list[str],
    directory: Path,
    environment: Mapping[str, str],
    *,
    is_merged: bool = False,
    python: str = sys.executable,
) -> "Fork | subprocess.Popen[str]":
    """Start ``python argv…``, as for run(), with pipes for its output and no input."""
    if _needs_interpreter(environment):
        return popen([python, *argv], directory, environment, is_merged=is_merged)
    (out, its_out), (err, its_err) = os.pipe(), os.pipe()
    # The pipe for stderr is empty where all goes into the other.
    outputs = its_out, its_out if is_merged else its_err
    fork = _fork(argv, directory, environment, outputs, python=python)
    os.close(its_out)
    os.close(its_err)
    fork.stdout, fork.stderr = (os.fdopen(each, errors="replace") for each in (out, err))
    return fork


def in_session(
    program: Sequence[str],
    directory: Path,
    environment: Mapping[str, str],
    log: IO[bytes],
    *,
    may_fork: bool = True,
) -> "Fork | subprocess.Popen[bytes]":
    """
    Start a program in a session of its own, with all of its output in ``log``.

    ``python -m MODULE`` ``may_fork``. The tests of stacks start the same servers in interpreters
    that have imported nothing yet.
    """
    is_module = tuple(program[:2]) == (sys.executable, "-m")
    if may_fork and is_module and not _needs_interpreter(environment):
        outputs = log.fileno(), log.fileno()
        return _fork([*program[1:]], directory, environment, outputs, has_session=True)
    return subprocess.Popen(
        program,
        cwd=directory,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def _fork(
    argv: list[str],
    directory: Path,
    environment: Mapping[str, str],
    outputs: tuple[int, int],
    *,
    has_session: bool = False,
    python: str = sys.executable,
) -> "Fork":
    ours, theirs = socket.socketpair()
    request = {
        "argv": argv,
        "directory": str(directory),
        "environment": dict(environment),
        "has_session": has_session,
    }
    with theirs:
        given = (theirs.fileno(), *outputs)
        socket.send_fds(_forking(python).control, [json.dumps(request).encode()], given)
    return Fork(argv, ours)


def popen(
    argv: list[str], directory: Path, environment: Mapping[str, str], *, is_merged: bool = False
) -> subprocess.Popen[str]:
    """Start a program with pipes for its output and no input."""
    return subprocess.Popen(
        argv,
        cwd=directory,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if is_merged else subprocess.PIPE,
        text=True,
        errors="replace",
    )


class Fork:
    """A running fork, with the part of subprocess.Popen that the tests use."""

    stdout: IO[str] | None = None
    stderr: IO[str] | None = None

    def __init__(self, argv: list[str], answers: socket.socket) -> None:
        self.args = argv
        self._code: Future[int] = Future()
        # Two lines: the pid, and the exit code once there is one.
        lines = answers.makefile()
        self.pid = int(lines.readline())
        threading.Thread(target=self._read_code, args=(answers, lines), daemon=True).start()

    @property
    def returncode(self) -> int | None:
        return self._code.result() if self._code.done() else None

    def poll(self) -> int | None:
        """Return the exit code, or None while it runs."""
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end and return the exit code. Raises TimeoutExpired."""
        try:
            return self._code.result(timeout)
        except TimeoutError:
            raise subprocess.TimeoutExpired(self.args, timeout or 0) from None

    def send_signal(self, sent: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, sent)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _read_code(self, answers: socket.socket, lines: IO[str]) -> None:
        with answers, lines:
            try:
                self._code.set_result(int(lines.readline()))
            except ValueError as error:
                self._code.set_exception(error)


def _needs_interpreter(environment: Mapping[str, str]) -> bool:
    """Return whether an interpreter that starts in this environment would differ from a fork."""
    given = _of_python(environment)
    later = {name: given[name] for name in DONE_LATER if name in given}
    return given != _of_python(os.environ) | later


def _of_python(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name.startswith(OF_PYTHON)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Forking:
    """The process that forks, None for a shared one, and the socket for requests."""

    process: subprocess.Popen[bytes] | None
    control: socket.socket


@contextlib.contextmanager
def shared() -> Iterator[None]:
    """
    Have the processes that this one starts in the block share one process that forks.

    Each would import Django and tandem otherwise. It ends with the block, or with this process.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with tempfile.TemporaryDirectory(prefix="tandem-") as path, ours:
        address = f"{path}/forking"
        with theirs, socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
            listener.bind(address)
            listener.listen()
            number = listener.fileno()
            argv = [sys.executable, str(FORKED), str(number)]
            process = subprocess.Popen(argv, stdin=theirs, pass_fds=[number])
        os.environ[SHARED] = address
        try:
            yield
        finally:
            del os.environ[SHARED]
            ours.close()
            process.wait(timeout=20)


@functools.cache
def _forking(python: str) -> Forking:
    if python == sys.executable and SHARED in os.environ:
        control = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        control.connect(os.environ[SHARED])
        return Forking(process=None, control=control)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        process = subprocess.Popen([python, str(FORKED)], stdin=theirs)
    return Forking(process=process, control=ours)
