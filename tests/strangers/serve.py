"""One project: made, served by `tandem up`, its expectations checked, stopped."""

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from harness.client import ask, open_stream
from harness.projects import startproject
from harness.stack import Up, clean_environment, tandem
from strangers.expectations import Command, Expectations, Request, Stream, WebSocket

STOP_S = 30
TAIL = "settings_tail.py"


def check(expected: Expectations) -> list[str]:
    """Serve a project and return each expectation that it does not meet, as a sentence."""
    with tempfile.TemporaryDirectory(prefix="stranger-", dir="/tmp") as scratch:
        directory = Path(scratch).resolve()
        try:
            make(expected, directory)
            return [*_served(expected, directory), *_left_behind(directory)]
        # A failure of any kind is a row of the table.
        except Exception as error:  # noqa: BLE001
            return [f"{type(error).__name__}: {error}"]


def make(expected: Expectations, directory: Path) -> None:
    """Make the project in ``directory``, and run its preparations."""
    startproject(directory)
    shutil.copytree(expected.files, directory, dirs_exist_ok=True, symlinks=True)
    tail = directory / "mysite" / TAIL
    if tail.exists():
        settings = directory / "mysite" / "settings.py"
        settings.write_text(settings.read_text() + tail.read_text())
        tail.unlink()
    for command in expected.prepare:
        subprocess.run(
            [sys.executable, *command],
            cwd=directory,
            env=clean_environment() | expected.environment,
            check=True,
            capture_output=True,
            text=True,
        )


def _served(expected: Expectations, directory: Path) -> Iterator[str]:
    up = Up(
        directory,
        args=expected.arguments,
        environment=expected.environment,
        command=expected.command,
    )
    with up:
        for text in expected.output:
            if text not in up.output:
                yield f"the start does not print {text!r}:\n{up.output}"
        for text in expected.output_lacks:
            if text in up.output:
                yield f"the start prints {text!r}:\n{up.output}"
        for request in expected.requests:
            yield from _requested(up.port, request)
        for stream in expected.streams:
            yield from _streamed(up.port, stream)
        for websocket in expected.websockets:
            yield from _connected(up.port, websocket)
        for command in expected.commands:
            yield from _ran(expected, directory, command)
        code = up.stop()
    if code:
        yield f"it exits with {code} after SIGTERM:\n{up.output}"


def _requested(port: int, request: Request) -> Iterator[str]:
    body = None if request.body is None else request.body.encode()
    headers = list(request.headers.items())
    if body is not None and not any(name.lower() == "content-type" for name in request.headers):
        headers.append(("Content-Type", "application/x-www-form-urlencoded"))
    since = time.monotonic()
    response = ask(port, request.path, request.method, headers, body)
    took = time.monotonic() - since
    what = f"{request.method} {request.path}"
    text = response.body.decode(errors="replace")
    if response.status != request.status:
        yield f"{what} is {response.status}, not {request.status}: {text[:300]}"
    for wanted in request.contains:
        if wanted not in text:
            yield f"{what} does not contain {wanted!r}: {text[:300]}"
    for name, value in request.header.items():
        if response.headers.get(name) != value:
            yield f"{what} has {name}: {response.headers.get(name)}, not {value}"
    if took > request.within_s:
        yield f"{what} takes {took:.1f} s, more than {request.within_s:g}"


def _streamed(port: int, stream: Stream) -> Iterator[str]:
    parts = open_stream(port, stream.path, stream.headers.items(), for_s=stream.within_s)
    text = b"".join(parts).decode(errors="replace")
    if stream.first not in text:
        yield f"{stream.path} sends {text[:300]!r} in {stream.within_s:g} s, not {stream.first!r}"
    elif len(parts) < stream.parts:
        yield f"{stream.path} sends {len(parts)} parts in {stream.within_s:g} s: {text[:300]!r}"


def _connected(port: int, websocket: WebSocket) -> Iterator[str]:
    url = f"ws://127.0.0.1:{port}{websocket.path}"
    origin = websocket.headers.get("Origin", f"http://127.0.0.1:{port}")
    others = {name: value for name, value in websocket.headers.items() if name != "Origin"}
    try:
        with connect(url, origin=origin, additional_headers=others, open_timeout=20) as opened:
            if websocket.send is not None:
                opened.send(websocket.send)
            if websocket.receive is not None:
                received = opened.recv(timeout=20)
                if received != websocket.receive:
                    yield f"{websocket.path} sends {received!r}, not {websocket.receive!r}"
    except (OSError, WebSocketException, TimeoutError) as error:
        yield f"{websocket.path}: {type(error).__name__}: {error}"


def _ran(expected: Expectations, directory: Path, command: Command) -> Iterator[str]:
    done = tandem(directory, *command.run, **expected.environment)
    what, printed = f"tandem {' '.join(command.run)}", done.stdout + done.stderr
    if done.returncode != command.code:
        yield f"{what} exits with {done.returncode}, not {command.code}: {printed[-600:]}"
    for text in command.contains:
        if text not in printed:
            yield f"{what} does not print {text!r}: {printed[-600:]}"
    for text in command.lacks:
        if text in printed:
            yield f"{what} prints {text!r}: {printed[-600:]}"


def _left_behind(directory: Path) -> Iterator[str]:
    for process in psutil.process_iter():
        try:
            if Path(process.cwd()).is_relative_to(directory):
                yield f"a process is left behind: {' '.join(process.cmdline())}"
        except (psutil.Error, OSError):
            continue
