"""The socket on which members of RELOAD_GROUP request a reload, in supervisord's event loop."""

import contextlib
import os
import socket
import subprocess
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django_tandem.errors import EXIT_USAGE, MachineError
from django_tandem.runtime import accounts
from django_tandem.runtime.reload_requests import address, peer_uid, send
from django_tandem.runtime.state import live_python

OPTION = 'TANDEM["RELOAD_GROUP"]'


class ReloadListener:
    """Accepts requests by the kernel's credentials, and has another process carry each out."""

    def __init__(self, supervisord: Any, run_dir: Path, print_line: Callable[[str], None]) -> None:
        self._sockets: dict[int, Any] = supervisord.options.get_socket_map()
        self._run_dir = run_dir
        self._print_line = print_line
        self._group = ""
        self._listening: socket.socket
        self._is_open = False

    def listen(self, group: str) -> None:
        """Take requests of the members of ``group``; of nobody where that is empty."""
        self._group = group
        if group and not self._is_open:
            self._open()
        elif not group and self._is_open:
            del self._sockets[self._listening.fileno()]
            self._listening.close()
            self._is_open = False

    def _open(self) -> None:
        self._listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._listening.bind(address(self._run_dir, os.geteuid()))
            self._listening.listen()
        except OSError as error:
            self._listening.close()
            self._print_line(f"{OPTION}: nobody else can reload the stack: {error.strerror}")
            return
        self._listening.setblocking(False)
        self._sockets[self._listening.fileno()] = self
        self._is_open = True

    def readable(self) -> bool:
        """Return whether the loop should read."""
        return True

    def writable(self) -> bool:
        """Return whether the loop should write."""
        return False

    def handle_read_event(self) -> None:
        """Accept one request; the process that carries it out inherits the connection."""
        try:
            connection, _ = self._listening.accept()
        except OSError:
            # The client has gone.
            return
        with connection:
            refusal = self._refusal(peer_uid(connection))
            if refusal:
                with contextlib.suppress(OSError):
                    send(connection, line=refusal)
                    send(connection, exit=EXIT_USAGE)
                return
            connection.setblocking(True)
            self._start(connection)

    def handle_error(self) -> None:
        """Print the exception that is being handled."""
        traceback.print_exc()

    def _start(self, connection: socket.socket) -> None:
        module = "django_tandem.runtime.reload_requests"
        subprocess.Popen(
            [live_python(self._run_dir), "-P", "-m", module, str(self._run_dir)],
            # supervisord's own directory may have been deleted, as that of an old release.
            cwd=self._run_dir,
            stdin=connection.fileno(),
            start_new_session=True,
        )

    def _refusal(self, uid: int) -> str:
        """Return why a user may not reload this stack; empty if it may."""
        peer = accounts.of_uid(uid)
        try:
            gid = accounts.find_group(self._group, OPTION)
        except MachineError as error:
            return str(error)
        if gid in peer.groups or uid in (0, os.geteuid()):
            return ""
        return (
            f"User {peer.name} may not reload the stack in {self._run_dir}: {OPTION} is "
            f'"{self._group}".\n  Add the user to that group, or run the command as '
            f"{accounts.of_uid(os.geteuid()).name}."
        )
