"""A debugger stays in its request, and lets the next one in when that has ended."""

import asyncio
import re
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from django_tandem import environment
from django_tandem.inprocess import debugger

VIEWS = """
async def steps(number):
    breakpoint()
    await sleep(0.05)
    answer = number
    return answer

def threaded(number):
    breakpoint()
    answer = number
    return answer

def repeated(number):
    for time in range(3):
        breakpoint()
    return number
"""

# Between the loop and the view, and below the command line that runs the loop.
SERVER = """
async def run_asgi(view, number):
    return await view(number)
"""
COMMAND = """
def invoke(run):
    return run()
"""


def _in_module(name: str, source: str) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": name}
    exec(source, names)
    return names


@pytest.fixture
def views(tmp_path, monkeypatch) -> dict[str, Any]:
    """Views of a project, below a call as a server makes it."""
    monkeypatch.setenv(environment.RUN_DIR, str(tmp_path))
    file = tmp_path / "views.py"
    file.write_text(VIEWS)
    names = {"__name__": "shop.views", "breakpoint": debugger.set_trace, "sleep": asyncio.sleep}
    exec(compile(VIEWS, str(file), "exec"), names)
    return names


@contextmanager
def typed(monkeypatch, tmp_path: Path, *commands: str) -> Iterator[Callable[[], str]]:
    """Type the commands at each prompt; what is printed is in a file."""
    (tmp_path / "input").write_text("".join(f"{command}\n" for command in commands))
    output = tmp_path / "output"
    with (tmp_path / "input").open() as reader, output.open("a") as writer:
        monkeypatch.setattr(debugger, "_open_terminal", lambda: (reader, writer))
        yield output.read_text


NUMBER = "p 'number', number"
# From Python 3.13 on, pdb stops at breakpoint() itself, and not on the next line.
TO_NEXT_LINE = ("n",) if sys.version_info >= (3, 13) else ()


def test_a_step_over_an_await_stays_in_its_request(views, monkeypatch, tmp_path, capsys) -> None:
    """The breakpoint of another one is skipped, which a line says."""

    run_asgi = _in_module("uvicorn.protocols.http", SERVER)["run_asgi"]
    invoke = _in_module("click.core", COMMAND)["invoke"]

    async def serve() -> list[int]:
        return await asyncio.gather(*(run_asgi(views["steps"], number) for number in (1, 2)))

    with typed(monkeypatch, tmp_path, *TO_NEXT_LINE, NUMBER, "n", NUMBER, "c") as output:
        assert invoke(lambda: asyncio.run(serve())) == [1, 2]

    assert output().count("('number', 1)") == 2
    assert "('number', 2)" not in output()
    assert capsys.readouterr().err == (
        "breakpoint() is skipped while another request is debugged.\n"
    )


@pytest.mark.parametrize("steps", [["c"], ["n", "n"]], ids=["continue", "to the end"])
def test_a_thread_waits_until_the_request_at_the_prompt_ends(
    views, monkeypatch, tmp_path, steps
) -> None:
    """A step out of the view leads neither into the server nor into the next request."""
    commands = (*TO_NEXT_LINE, NUMBER, "n", NUMBER, *steps, NUMBER, "c")
    with typed(monkeypatch, tmp_path, *commands) as output, ThreadPoolExecutor(2) as pool:
        results = [pool.submit(views["threaded"], number) for number in (1, 2)]
        assert sorted(result.result(10) for result in results) == [1, 2]

    first, again, second = re.findall(r"\('number', (\d)\)", output())
    assert first == again != second
    assert "concurrent" not in output()


def test_a_breakpoint_in_the_same_request_opens_the_prompt_again(
    views, monkeypatch, tmp_path
) -> None:
    """Also after a step, which keeps the lock."""
    with (
        typed(monkeypatch, tmp_path, *TO_NEXT_LINE, "n", "n", "c", NUMBER, "c") as output,
        ThreadPoolExecutor(1) as pool,
    ):
        assert pool.submit(views["repeated"], 1).result(10) == 1

    assert output().count("(Pdb) ") == len(TO_NEXT_LINE) + 5
