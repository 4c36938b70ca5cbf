"""A server that is killed is back, whatever it left lying about."""

import contextlib
import json
import os
import shutil
import signal
from pathlib import Path

import pytest

from django_tandem.runtime import supervisord
from stack.asking import ask, wait_for
from stack.running import Up

SITE = Path(__file__).parents[1] / "nginx" / "site"


@pytest.mark.parametrize(
    ("wsgi", "asgi"),
    [
        ("gunicorn", "uvicorn"),
        # Granian panics where it finds a socket.
        ("granian", "granian"),
    ],
)
def test_a_server_that_is_killed_is_back(wsgi, asgi, tmp_path) -> None:
    """On either stack, and answering on the socket where the edge looks for it."""
    shutil.copytree(SITE, tmp_path, dirs_exist_ok=True)
    setting = {"WSGI": {"SERVER": wsgi, "WORKERS": 1}, "ASGI": {"SERVER": asgi}}
    with Up(tmp_path, environment={"EDGESITE_TANDEM": json.dumps(setting)}) as up:
        for program, path in (("wsgi-1", "/sync/"), ("asgi-1", "/async/")):
            killed = pid(up, program)
            os.kill(killed, signal.SIGKILL)

            wait_for(lambda program=program, old=killed: pid(up, program) not in (0, old))
            wait_for(lambda path=path: ask(up.port, path).status == 200)


def pid(up: Up, program: str) -> int:
    with contextlib.suppress(OSError):
        return {each.name: each.pid for each in supervisord.statuses(up.run_dir)}[program]
    return 0
