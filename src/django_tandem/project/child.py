"""Code of the project in a child process, which leaves no trace in this one."""

import json
import os
import warnings
from collections.abc import Callable
from typing import Any, NoReturn


def call_in_child(function: Callable[[], Any]) -> Any:
    """
    Return what ``function`` returns in a forked process without output; None if it fails.

    The value passes through JSON.
    """
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        # Python 3.12 warns of threads at a fork; a command has none before the settings.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        _call_and_exit(function, writing)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        result = pipe.read()
    os.waitpid(child, 0)
    return json.loads(result) if result else None


def _call_and_exit(function: Callable[[], Any], writing: int) -> NoReturn:
    try:
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(null, descriptor)
        os.write(writing, json.dumps(function()).encode())
    finally:
        # No handler of the parent process may run here.
        os._exit(0)
