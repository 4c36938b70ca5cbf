"""
Commands of a project, run in forks of a process that has imported Django and tandem once.

A test of the command line starts many, and most of the time of each is the import. What the
command itself imports, sets or starts is in a process of its own, as with ``python -m``.
"""

import functools
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

# What an interpreter reads as it starts.
OF_PYTHON = ("PYTHON", "LANG", "LC_")
FORKED = Path(__file__).with_name("forked.py")


def run(
    argv: list[str], directory: Path, environment: Mapping[str, str], *, timeout_s: float
) -> subprocess.CompletedProcess[str]:
    """
    Run ``python argv…`` to its end, where argv is a module after "-m", or a script, and arguments.

    It returns when its output has ended too, as subprocess.run() does. Raises TimeoutExpired.
    """
    if _of_python(environment) != _of_python(os.environ):
        return subprocess.run(
            [sys.executable, *argv],
            cwd=directory,
            env=environment,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
    began = time.monotonic()
    ours, theirs = socket.socketpair()
    (out, its_out), (err, its_err) = os.pipe(), os.pipe()
    request = {"argv": argv, "directory": str(directory), "environment": dict(environment)}
    given = (theirs.fileno(), its_out, its_err)
    socket.send_fds(_forking().control, [json.dumps(request).encode()], given)
    theirs.close()
    os.close(its_out)
    os.close(its_err)
    with ExitStack() as stack:
        stdout, stderr = (stack.enter_context(os.fdopen(each)) for each in (out, err))
        answers = stack.enter_context(stack.enter_context(ours).makefile())
        late = threading.Timer(timeout_s, os.kill, (int(answers.readline()), signal.SIGKILL))
        late.start()
        stack.callback(late.cancel)
        reading = stack.enter_context(ThreadPoolExecutor(1)).submit(stderr.read)
        printed = stdout.read()
        done = subprocess.CompletedProcess(argv, int(answers.readline()), printed, reading.result())
    if done.returncode == -signal.SIGKILL and time.monotonic() - began >= timeout_s:
        raise subprocess.TimeoutExpired(argv, timeout_s, done.stdout, done.stderr)
    return done


def _of_python(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name.startswith(OF_PYTHON)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Forking:
    """The process that forks, and the socket for requests, whose end is the end of the process."""

    process: subprocess.Popen[bytes]
    control: socket.socket


@functools.cache
def _forking() -> Forking:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        process = subprocess.Popen([sys.executable, str(FORKED)], stdin=theirs)
    return Forking(process=process, control=ours)
