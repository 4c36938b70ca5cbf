"""`tandem up --debug`: breakpoint() opens pdb on the terminal, and nothing times out."""

import os
import pty
import signal
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.client import ask
from harness.stack import free_port, tandem

TIMEOUT_S = 1

URLS = """
from django.http import HttpResponse
from django.urls import path

def sync(request):
    answer = "sync"
    breakpoint()
    return HttpResponse(answer)

async def coroutine(request):
    answer = "async"
    breakpoint()
    return HttpResponse(answer)

urlpatterns = [path("sync/", sync), path("async/", coroutine)]
"""


class Terminal:
    """A command in the foreground of a terminal of its own."""

    def __init__(self, directory, *args: str) -> None:
        self.pid, self._terminal = pty.fork()
        if self.pid == 0:
            os.chdir(directory)
            os.execv(sys.executable, [sys.executable, "-m", "django_tandem", *args])
        self.output = ""

    def type(self, line: str) -> None:
        """Type a line."""
        os.write(self._terminal, f"{line}\n".encode())

    def press_ctrl_c(self) -> None:
        """Press Ctrl-C."""
        os.write(self._terminal, b"\x03")

    def read_until(self, text: str) -> None:
        """Read the output up to ``text``, and from there on the next time."""
        os.set_blocking(self._terminal, False)
        until = time.monotonic() + 60
        while text not in self.output:
            assert time.monotonic() < until, self.output
            try:
                self.output += os.read(self._terminal, 65536).decode(errors="replace")
            except BlockingIOError:
                time.sleep(0.05)
        self.output = self.output.partition(text)[2]

    def close(self) -> int:
        """Stop the command, and return its exit code."""
        os.kill(self.pid, signal.SIGTERM)
        os.set_blocking(self._terminal, True)
        try:
            while os.read(self._terminal, 65536):
                pass
        except OSError:
            # The terminal has no process left.
            pass
        _, status = os.waitpid(self.pid, 0)
        os.close(self._terminal)
        return os.waitstatus_to_exitcode(status)


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def terminal(project, port) -> Iterator[Terminal]:
    (project / "mysite" / "urls.py").write_text(URLS)
    with (project / "mysite" / "settings.py").open("a") as settings:
        settings.write(f'TANDEM = {{"WSGI": {{"TIMEOUT_S": {TIMEOUT_S}}}}}\n')
    running = Terminal(project, "up", "--watch", "--debug", "--bind", f"127.0.0.1:{port}")
    try:
        running.read_until("Ready: ")
        yield running
    finally:
        code = running.close()
    assert code == 0


def test_breakpoint_opens_pdb_on_each_stack(terminal, port) -> None:
    """Longer than TIMEOUT_S; Ctrl-C at its prompt ends no server."""
    with ThreadPoolExecutor() as pool:
        for stack in ("sync", "async"):
            asked = pool.submit(ask, port, f"/{stack}/")
            terminal.read_until("(Pdb) ")
            # Longer than the edge and the server would wait.
            time.sleep(TIMEOUT_S + 3)
            assert not asked.done()
            terminal.type("p 'request is', request")
            terminal.read_until(f"Request: GET '/{stack}/'>)")
            terminal.read_until("(Pdb) ")
            terminal.press_ctrl_c()
            terminal.type("")
            terminal.read_until("(Pdb) ")
            terminal.type(f"answer = 'changed {stack}'")
            terminal.read_until("(Pdb) ")
            terminal.type("c")

            assert asked.result().text == f"changed {stack}"


def test_debug_and_detach_exclude_each_other(project) -> None:
    """The command fails before it loads the project."""
    done = tandem(project, "up", "--debug", "--detach")

    assert (done.returncode, done.stderr) == (
        2,
        "`--debug` and `--detach` exclude each other: --debug needs the terminal.\n"
        "  Leave one out; `tandem reload` reloads a detached stack.\n",
    )
