"""A real stack, started by `tandem up` as a user starts it, and stopped by its pid."""

import contextlib
import itertools
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Self

from django_tandem.runtime import run_dir
from harness import forking

DEADLINE_S = 60


# Below those that the kernel gives to connections, and a part of them for each process of pytest:
# another test, or a connection to where nothing listens yet, would take the port in the meantime.
FIRST_PORT, PORTS, PARTS = 12_000, 2_500, 8
_turns = itertools.count(os.getpid())
# Of each port that this process has taken, an abstract name that another run of pytest can't take.
_claims: dict[int, socket.socket] = {}


def free_port() -> int:
    """Return a port of 127.0.0.1 that nothing listens on, and no other test gets for a while."""
    part = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % PARTS
    while True:
        port = FIRST_PORT + part * PORTS + next(_turns) % PORTS
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            _claim(port)
            return port


def _claim(port: int) -> None:
    """Keep a port from other processes that ask for one; raises OSError where one has it."""
    if port not in _claims:
        claim = socket.socket(socket.AF_UNIX)
        try:
            claim.bind(f"\0tandem-test-port-{port}")
        except OSError:
            claim.close()
            raise
        _claims[port] = claim


def tandem(directory: Path, *args: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a subcommand, and return its output and exit code."""
    argv = ["-m", "django_tandem", *args]
    return forking.run(argv, directory, clean_environment() | environment, timeout_s=DEADLINE_S)


def started(directory: Path, *args: str) -> "forking.Fork | subprocess.Popen[str]":
    """Start a subcommand, with pipes for its output."""
    return forking.start(["-m", "django_tandem", *args], directory, clean_environment())


def last_line(done: subprocess.CompletedProcess[str]) -> str:
    """Return the last line on stderr: on a busy machine, `down` first prints what it waits for."""
    return done.stderr.splitlines()[-1] if done.stderr else ""


def clean_environment() -> dict[str, str]:
    """Return this process's environment without the variables of a project."""
    own = {"DJANGO_SETTINGS_MODULE", "REDIS_URL", "DATABASE_URL", "DEBUG"}
    return {name: value for name, value in os.environ.items() if name not in own}


@dataclass
class Up:
    """`tandem up` in the foreground, for the length of the block."""

    directory: Path
    args: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    command: tuple[str, ...] = ("-m", "django_tandem", "up")
    prefix: tuple[str, ...] = ()
    python: str = sys.executable
    # What is printed once it serves.
    ready: str = "Ready: "

    def __post_init__(self) -> None:
        self._lines: list[str] = []
        self._printed: list[str] = []
        self._queue: queue.Queue[str | None] = queue.Queue()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def output(self) -> str:
        """Its output so far, on stdout and stderr."""
        return "".join(self._lines)

    @property
    def stdout(self) -> str:
        return "".join(self._printed)

    @property
    def run_dir(self) -> Path:
        # A short one where the test's directory is too deep for sockets.
        return run_dir.locate(str(self.directory), ".tandem")

    @property
    def argv(self) -> list[str]:
        bind = ("--bind", f"127.0.0.1:{self.port}")
        return [*self.prefix, self.python, *self.command, *bind, *self.args]

    @property
    def _may_fork(self) -> bool:
        # With --watch, `up` may start over, with the environment that its process was started in.
        return self.argv[0] == sys.executable and "--watch" not in self.args

    def __enter__(self) -> Self:
        environment = clean_environment() | self.environment
        if self._may_fork:
            self.process = forking.start(self.argv[1:], self.directory, environment)
        else:
            self.process = forking.popen(self.argv, self.directory, environment)
        threading.Thread(target=self._read, daemon=True).start()
        try:
            self.wait_for(self.ready)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        # As Ctrl-C: SIGTERM would close WebSockets over the whole of its window.
        self.stop(signal.SIGINT)

    def wait_for(self, text: str, *, deadline_s: float = DEADLINE_S) -> str:
        """Return the next line that contains ``text``."""
        until = time.monotonic() + deadline_s
        while True:
            try:
                line = self._queue.get(timeout=max(0, until - time.monotonic()))
            except queue.Empty:
                line = None
            if line is None:
                raise AssertionError(f"{text!r} was not printed:\n{self.output}")
            if text in line:
                return line

    def stop(self, sent: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal, wait for the exit, and return its code."""
        if self.process.poll() is None:
            self.process.send_signal(sent)
        return self.wait()

    def wait(self, deadline_s: float = 30) -> int:
        """Wait for the exit and return its code; kill and fail after the deadline."""
        try:
            return self.process.wait(timeout=deadline_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError(f"It did not exit:\n{self.output}") from None

    def _read(self) -> None:
        aside = threading.Thread(target=self._take, args=(self.process.stderr, []), daemon=True)
        aside.start()
        self._take(self.process.stdout, self._printed)
        aside.join()
        self._queue.put(None)

    def _take(self, stream: IO[str], into: list[str]) -> None:
        for line in stream:
            into.append(line)
            self._lines.append(line)
            self._queue.put(line)
