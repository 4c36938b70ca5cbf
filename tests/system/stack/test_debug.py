"""`tandem up --debug`: breakpoint() opens pdb on the terminal, and nothing times out."""

import os
import pty
import signal
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from stack.mistaken import running_in

from harness.client import ask
from harness.projects import startproject
from harness.stack import free_port, tandem

TIMEOUT_S = 1

URLS = """
import asyncio

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

async def steps(request):
    number = request.GET["number"]
    breakpoint()
    await asyncio.sleep(0.5)
    answer = number
    return HttpResponse(answer)

def threaded(request):
    number = request.GET["number"]
    breakpoint()
    answer = number
    return HttpResponse(answer)

async def begin(request):
    print("Another test begins.", flush=True)
    return HttpResponse()

urlpatterns = [
    path("sync/", sync),
    path("async/", coroutine),
    path("steps/", steps),
    path("threaded/", threaded),
    path("begin/", begin),
]
"""


class Terminal:
    """A command in the foreground of a separate terminal."""

    def __init__(self, directory, *args: str) -> None:
        self.pid, self._terminal = pty.fork()
        if self.pid == 0:
            os.chdir(directory)
            os.execv(sys.executable, [sys.executable, "-m", "django_tandem", *args])
        self.output = ""
        self.seen = ""

    def type(self, line: str) -> None:
        """Type a line."""
        self.write(f"{line}\n")

    def write(self, text: str) -> None:
        """Type a part of a line."""
        os.write(self._terminal, text.encode())

    def press_ctrl_c(self) -> None:
        """Press Ctrl-C."""
        os.write(self._terminal, b"\x03")

    def read_until(self, text: str, *, unless: Callable[[], bool] = lambda: False) -> bool:
        """Read the output up to ``text``, and from there on the next time; False for ``unless``."""
        os.set_blocking(self._terminal, False)
        until = time.monotonic() + 60
        while text not in self.output:
            assert time.monotonic() < until, self.output
            if unless():
                return False
            try:
                self.output += os.read(self._terminal, 65536).decode(errors="replace")
            except BlockingIOError:
                time.sleep(0.05)
        before, found, self.output = self.output.partition(text)
        self.seen += before + found
        return True

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


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def started(tmp_path_factory, port) -> Iterator[Terminal]:
    project = startproject(tmp_path_factory.mktemp("debugged"))
    (project / "mysite" / "urls.py").write_text(URLS)
    with (project / "mysite" / "settings.py").open("a") as settings:
        routes = {"ROUTES": [("/threaded/", "asgi")], "MONITOR": False}
        settings.write(f"TANDEM = {routes | {'WSGI': {'TIMEOUT_S': TIMEOUT_S}}}\n")
    running = Terminal(project, "up", "--watch", "--debug", "--bind", f"127.0.0.1:{port}")
    try:
        running.read_until("Ready: ")
        yield running
    finally:
        code = running.close()
    assert code == 0
    assert running_in(project) == []
    assert list(project.glob(".tandem/*.sock")) == []


@pytest.fixture
def terminal(started, port) -> Terminal:
    """The terminal, without what the test before this one has left unread."""
    ask(port, "/begin/")
    started.read_until("Another test begins.")
    started.seen = ""
    return started


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
            # It clears the line, and ends no server.
            terminal.write("no_such_name")
            terminal.press_ctrl_c()
            terminal.type("p 'after', 'ctrl-c'")
            terminal.read_until("('after', 'ctrl-c')")
            terminal.read_until("(Pdb) ")
            terminal.type(f"answer = 'changed {stack}'")
            terminal.read_until("(Pdb) ")
            terminal.type("c")

            assert asked.result().text == f"changed {stack}"


@pytest.mark.parametrize("view", ["steps", "threaded"])
def test_a_step_stays_in_its_request(terminal, port, view) -> None:
    """Another request waits, or has its breakpoint skipped where it shares the event loop."""
    with ThreadPoolExecutor() as pool:
        asked = [pool.submit(ask, port, f"/{view}/?number={number}") for number in (1, 2)]
        first = _number(terminal)
        if sys.version_info >= (3, 13):
            # It stops at breakpoint() itself, and not on the next line.
            terminal.type("n")
            terminal.read_until("(Pdb) ")
        terminal.type("n")
        assert _number(terminal) == first
        terminal.type("c")
        if view == "threaded":
            assert _number(terminal) != first
            # To the end of the request, and not into the server.
            terminal.type("n")
            while terminal.read_until("(Pdb) ", unless=asked[int(first) % 2].done):
                terminal.type("n")

        assert sorted(each.result().text for each in asked) == ["1", "2"]
    assert ("breakpoint() is skipped" in terminal.seen) == (view == "steps")


def _number(terminal: Terminal) -> str:
    """Return the number of the request at the prompt."""
    terminal.read_until("(Pdb) ")
    terminal.type('p "<" + number + ">"')
    terminal.read_until("'<")
    terminal.read_until(">'")
    found = terminal.seen.rpartition(">'")[0][-1]
    terminal.read_until("(Pdb) ")
    return found


def test_debug_and_detach_exclude_each_other(project) -> None:
    """The command fails before it loads the project."""
    done = tandem(project, "up", "--debug", "--detach")

    assert (done.returncode, done.stderr) == (
        2,
        "`--debug` and `--detach` exclude each other: --debug needs the terminal.\n"
        "  Leave one out; `tandem reload` reloads a detached stack.\n",
    )
