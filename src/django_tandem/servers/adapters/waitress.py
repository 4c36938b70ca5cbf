"""Waitress with a graceful shutdown: Waitress itself does not handle SIGTERM."""

import logging
import select
import signal
import sys
import time
from collections.abc import Callable
from typing import Any
from wsgiref.types import WSGIApplication

from waitress import runner, wasyncore
from waitress.server import BaseWSGIServer, create_server

from django_tandem import fingerprints

# An open connection that is silent for this long has no request on its way.
SILENCE_S = 1

LOOP = (
    "waitress.server.BaseWSGIServer.run",
    "waitress.server.BaseWSGIServer.handle_accept",
    "waitress.server.BaseWSGIServer.pull_trigger",
    "waitress.wasyncore.loop",
    "waitress.wasyncore.dispatcher.close",
    "waitress.channel.HTTPChannel.handle_close",
)


def is_not_about_connections(record: logging.LogRecord) -> bool:
    """Drop the warning that all threads are busy, which is normal here."""
    return not record.getMessage().startswith("total open connections ")


class GracefulWaitress:
    """Runs a server until a signal, then finishes the requests that it accepted."""

    def __init__(self, server: BaseWSGIServer, grace_s: int) -> None:
        self.server = server
        self.grace_s = grace_s
        self.is_stopping = False

    def stop(self, *_: object) -> None:
        """Stop soon; as a signal handler it only wakes the loop."""
        self.is_stopping = True
        self.server.pull_trigger()

    def run(self) -> None:
        """Serve until the stop, then finish within the grace period."""
        while not self.is_stopping:
            self.run_loop_once(timeout_s=1)
        self.close_listener()
        deadline = time.monotonic() + self.grace_s
        while self.server.active_channels and time.monotonic() < deadline:
            self.close_silent_connections()
            self.run_loop_once(timeout_s=0.1)

    def run_loop_once(self, timeout_s: float) -> None:
        """Handle the events of the sockets, and wait for them until the timeout."""
        use_poll = self.server.adj.asyncore_use_poll
        wasyncore.loop(timeout_s, use_poll, self.server._map, count=1)

    def close_listener(self) -> None:
        """Accept the queued connections, and stop listening."""
        while select.select([self.server.socket], [], [], 0)[0]:
            self.server.handle_accept()
        # The server's own close would also remove the trigger with which threads wake the loop.
        wasyncore.dispatcher.close(self.server)

    def close_silent_connections(self) -> None:
        """Have the connections without a request closed."""
        for channel in self.server.active_channels.values():
            if not channel.requests and channel.last_activity < time.time() - SILENCE_S:
                channel.will_close = True


def serve(application: WSGIApplication, *, grace_s: int, **options: Any) -> None:
    """Serve the application until SIGTERM or SIGINT, then for at most ``grace_s`` more."""
    logging.getLogger("waitress").addFilter(is_not_about_connections)
    server = create_server(application, **options)
    run, stop = _run_and_stop(server, grace_s)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    run()


def _run_and_stop(
    server: BaseWSGIServer, grace_s: int
) -> tuple[Callable[[], None], Callable[..., None]]:
    if fingerprints.are_known(LOOP, otherwise="A reload and a stop cut the requests in flight."):
        graceful = GracefulWaitress(server, grace_s)
        return graceful.run, graceful.stop
    return server.run, _exit


def _exit(*_: object) -> None:
    # Waitress' own loop ends its threads on SystemExit.
    raise SystemExit(0)


def main(argv: list[str]) -> int:
    """Run Waitress with its own arguments, which follow the grace period in seconds."""
    name, grace_s, *arguments = argv

    def serve_with_grace(application: WSGIApplication, **options: Any) -> None:
        serve(application, grace_s=int(grace_s), **options)

    code: int = runner.run([name, *arguments], _serve=serve_with_grace)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv))
