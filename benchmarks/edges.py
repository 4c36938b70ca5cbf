"""Edges side by side before one tiny upstream: what tandem renders, and what is written by hand."""

import getpass
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import urlconf

from django_tandem.bench.launch import free_address
from django_tandem.model import Nginx
from django_tandem.project.regex.translate import START_VERBS
from django_tandem.render.nginx import KEEPALIVE_BY_DEFAULT

FILES = Path(__file__).parent / "nginx"
NAMES = ("rules", "by hand", "reference")
ASGI = "from django.core.asgi import get_asgi_application\n\napplication = get_asgi_application()\n"
# What of the rendered file asks the table, and what an author with two locations has instead.
ASKS_THE_TABLE = """
            if ($tandem_stack = asgi) {
                return 418;
            }"""
TWO_LOCATIONS = """
        location /ws/ {
            proxy_pass http://tandem_asgi;
            proxy_buffering off;
        }

        location / {"""


@dataclass(frozen=True, kw_only=True)
class Edge:
    """A running NGINX to measure."""

    url: str
    process: psutil.Process
    directory: Path

    @property
    def log(self) -> str:
        """The last that it had to say."""
        return (self.directory / "log").read_text()[-1000:]

    def cpu_s(self) -> float:
        """Return the CPU time that its master and workers took so far."""
        times = [each.cpu_times() for each in [self.process, *self.process.children()]]
        return sum(each.user + each.system for each in times)


@contextmanager
def running(nginx: Nginx, scratch: Path, routes: int) -> Iterator[dict[str, Edge]]:
    """
    Run the edge of a project of so many routes, and those by hand, each on its own port.

    Of these one is like the rendered file in everything but how a request finds its stack; the
    other is the reference as it stands, which sets fewer headers and refuses nothing.
    """
    tiny = scratch / "tiny"
    tiny.mkdir()
    (tiny / "nginx.conf").write_text((FILES / "tiny.conf").read_text())
    with ExitStack() as stack:
        stack.enter_context(_started(nginx, tiny))
        edges = {}
        for name in NAMES:
            directory, bind = scratch / name, free_address()
            directory.mkdir()
            if name == "reference":
                _write_reference(nginx, directory, bind)
            else:
                _render(nginx, directory, bind, routes)
            if name == "by hand":
                _replace_table(directory / "nginx.conf")
            for sock in ("wsgi.sock", "asgi.sock"):
                (directory / sock).symlink_to(tiny / sock)
            process = stack.enter_context(_started(nginx, directory))
            edges[name] = Edge(url=f"http://{bind}", process=process, directory=directory)
            _wait_for(edges[name], bind)
        yield edges


@contextmanager
def _started(nginx: Nginx, directory: Path) -> Iterator[psutil.Process]:
    argv = [nginx.program, "-p", f"{directory}/", "-c", "nginx.conf", "-e", "stderr"]
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(argv, cwd=directory, stdout=subprocess.DEVNULL, stderr=log)
    try:
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(timeout=30)


def _render(nginx: Nginx, directory: Path, bind: str, routes: int) -> None:
    project = directory.with_name(f"project of {directory.name}")
    project.mkdir()
    urlconf.write(project, routes)
    # Without an asgi.py, all would be WSGI's.
    (project / "asgi.py").write_text(ASGI)
    tandem = {"BIND": bind, "EDGE": {"NGINX": nginx.program}}
    with (project / "settings.py").open("a") as settings:
        settings.write(f'ASGI_APPLICATION = "asgi.application"\nTANDEM = {tandem!r}\n')
    argv = [sys.executable, "-m", "django_tandem", "render", "nginx", "--output", str(directory)]
    done = subprocess.run(argv, cwd=project, check=False, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr)


def _replace_table(conf: Path) -> None:
    text = conf.read_text()
    for old, new in ((ASKS_THE_TABLE, ""), ("\n        location / {", TWO_LOCATIONS)):
        if old not in text:
            raise RuntimeError(f"the rendered file is written otherwise now: {old!r}")
        text = text.replace(old, new)
    # No variable of the table's is asked for any more; its lines would lie there idle.
    lines = [line for line in text.splitlines(keepends=True) if f'"~{START_VERBS}' not in line]
    conf.write_text("".join(lines))


def _write_reference(nginx: Nginx, directory: Path, bind: str) -> None:
    words = {
        "BIND": bind,
        "KEEPALIVE": "keepalive 0;" if nginx.version >= KEEPALIVE_BY_DEFAULT else "",
        "USER": f"user {getpass.getuser()};" if os.geteuid() == 0 else "",
    }
    text = (FILES / "reference.conf").read_text()
    for word, meant in words.items():
        text = text.replace(word, meant)
    (directory / "nginx.conf").write_text(text)
    (directory / "mime.types").write_text("types {\n    text/html html;\n}\n")


def _wait_for(edge: Edge, bind: str) -> None:
    host, port = bind.split(":")
    until = time.monotonic() + 10
    while True:
        try:
            socket.create_connection((host, int(port)), timeout=1).close()
        except OSError as error:
            if time.monotonic() > until:
                raise RuntimeError(f"{edge.url} does not answer:\n{edge.log}") from error
            time.sleep(0.02)
        else:
            return
