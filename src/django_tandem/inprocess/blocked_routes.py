"""
The routes that `tandem block` has blocked: a file in the run directory, read by each process.

A file reaches the processes of both stacks with no reload, and lasts until `tandem unblock`.
"""

import contextlib
import functools
import json
import os
import random
import re
import time
from collections.abc import Awaitable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from django_tandem import environment
from django_tandem.atomic_files import replace_file
from django_tandem.handler.protocol import Application, Receive, Scope, Send
from django_tandem.inprocess.admission import STREAM, WEBSOCKET
from django_tandem.inprocess.denial import Denial, deny
from django_tandem.model import Block, BlockRule, Protocol

NAME = "blocked.json"
# By the type of a scope, and by the kind of a long connection.
SCOPES = {each.value: each for each in Protocol}
PROTOCOLS = {WEBSOCKET: Protocol.WEBSOCKET, STREAM: Protocol.HTTP}
# To stat a missing file takes a few microseconds.
CHECK_S = 0.15
# By these a client learns that it may try again: at another moment than the others.
TEMPORARY = (429, 503)
RETRY_AFTER_S = (10, 60)
# A handshake that is refused by a status of success would look accepted to some clients.
REFUSED = 503
# What the file raises where it can't be opened, or was damaged.
UNREADABLE = (OSError, ValueError, TypeError, KeyError, re.error)


class BlockedRoutes:
    """What `tandem block` has blocked in one run directory, as of at most a moment ago."""

    def __init__(self, run_dir: Path) -> None:
        self._path = run_dir / NAME
        self._checked_at = 0.0
        self._version: tuple[int, int] | None = None
        self.blocks: tuple[Block, ...] = ()

    def find(self, protocol: Protocol, path: str) -> Block | None:
        """Return what blocks ``path``, as Django resolves it; None if nothing does."""
        self.check()
        if not self.blocks:
            return None
        return next((each for each in self.blocks if _blocks(each, protocol, path)), None)

    def check(self) -> None:
        """Read the file if it has changed, and if that was not just looked up."""
        now = time.monotonic()
        if now - self._checked_at < CHECK_S:
            return
        self._checked_at = now
        # A file that can't be read keeps the last blocks: no route is unblocked by accident.
        with contextlib.suppress(*UNREADABLE):
            version = _version(self._path)
            if version != self._version:
                self.blocks = _load(self._path) if version else ()
                self._version = version


def _version(path: Path) -> tuple[int, int] | None:
    """Return what differs after each replacement of the file, None where there is no file."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_mtime_ns, found.st_ino


def _blocks(block: Block, protocol: Protocol, path: str) -> bool:
    for rule in block.rules:
        if rule.protocol in (None, protocol) and re.match(rule.regex, path):
            return rule.is_blocked
    return False


class AsgiBlockedRoutes:
    """Answers requests and handshakes of blocked routes."""

    def __init__(self, application: Application, routes: BlockedRoutes) -> None:
        self.application = application
        self.routes = routes

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        protocol = SCOPES.get(scope["type"])
        block = self.routes.find(protocol, path_of(scope)) if protocol else None
        if protocol is None or block is None:
            return self.application(scope, receive, send)
        return deny(_denial(block, protocol), scope, receive, send)


class WsgiBlockedRoutes:
    """Answers requests of blocked routes."""

    def __init__(self, application: WSGIApplication, routes: BlockedRoutes) -> None:
        self.application = application
        self.routes = routes

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "").encode("latin-1").decode(errors="replace")
        block = self.routes.find(Protocol.HTTP, path)
        if block is None:
            return self.application(environ, start_response)
        denial = _denial(block, Protocol.HTTP)
        start_response(denial.line, denial.headers)
        return [denial.text.encode()]


def path_of(scope: Scope) -> str:
    """Return the path that Django and Channels resolve."""
    return str(scope["path"]).removeprefix(scope.get("root_path", "").rstrip("/"))


def _denial(block: Block, protocol: Protocol) -> Denial:
    is_success = block.status < 400
    status = REFUSED if is_success and protocol is Protocol.WEBSOCKET else block.status
    retry_after_s = random.randint(*RETRY_AFTER_S) if status in TEMPORARY else 0  # noqa: S311
    return Denial(status=status, retry_after_s=retry_after_s, close_code=block.close)


@functools.cache
def of_process() -> BlockedRoutes | None:
    """Return the blocked routes of the run directory in the environment, if there is one."""
    run_dir = os.environ.get(environment.RUN_DIR)
    return BlockedRoutes(Path(run_dir)) if run_dir else None


def read(run_dir: Path) -> tuple[Block, ...]:
    """Return the blocks of ``run_dir``; none where their file is missing or damaged."""
    try:
        return _load(run_dir / NAME)
    except UNREADABLE:
        return ()


def _load(path: Path) -> tuple[Block, ...]:
    return tuple(map(_block, json.loads(path.read_text())))


def _block(kept: dict[str, Any]) -> Block:
    rules = tuple(_rule(each) for each in kept["rules"])
    return Block(**{**kept, "rules": rules})


def _rule(kept: dict[str, Any]) -> BlockRule:
    re.compile(kept["regex"])
    protocol = kept["protocol"] and Protocol(kept["protocol"])
    return BlockRule(**{**kept, "protocol": protocol})


def write(run_dir: Path, blocks: Iterable[Block]) -> None:
    """Replace the blocks of ``run_dir``; without any, the file is removed."""
    kept = [asdict(each) for each in blocks]
    if not kept:
        (run_dir / NAME).unlink(missing_ok=True)
        return
    replace_file(run_dir / NAME, json.dumps(kept, indent=1))
