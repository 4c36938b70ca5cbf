"""A Valkey of a test, on a Unix socket, without persistence."""

import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django_tandem.runtime.host import find_valkey
from harness.client import wait_for


class Valkey:
    """
    A server at ``url``; its socket is ``valkey.sock`` in ``directory``.

    ``options`` are those of its command. With a ``configuration`` it is a sentinel.
    """

    def __init__(self, directory: Path, *options: str, configuration: Path | None = None) -> None:
        self.path = directory / "valkey.sock"
        self.url = f"unix://{self.path}"
        self._directory = directory
        self._options = options
        self._configuration = configuration

    def start(self) -> None:
        """Start it, and wait until it accepts a connection."""
        file = [str(self._configuration)] if self._configuration else []
        sentinel = ["--sentinel"] if self._configuration else []
        unsaved = ("--port", "0", "--save", "", "--loglevel", "warning")
        listen = ("--unixsocket", str(self.path), "--dir", str(self._directory))
        self.process = subprocess.Popen(
            [find_valkey(), *file, *unsaved, *listen, *self._options, *sentinel],
            stdout=subprocess.DEVNULL,
        )
        wait_for(self._accepts)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self.path.unlink(missing_ok=True)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def _accepts(self) -> bool:
        # The path exists before the server listens.
        with socket.socket(socket.AF_UNIX) as connection:
            return connection.connect_ex(str(self.path)) == 0


@contextmanager
def valkey(directory: Path, *options: str, configuration: Path | None = None) -> Iterator[Valkey]:
    """Run a server, and end it."""
    started = Valkey(directory, *options, configuration=configuration)
    started.start()
    try:
        yield started
    finally:
        started.kill()
