"""Waitress as a program that ends as the others do: Waitress itself knows no SIGTERM."""

import logging
import select
import signal
import sys
import time
from typing import Any
from wsgiref.types import WSGIApplication

from waitress import runner, wasyncore
from waitress.server import BaseWSGIServer, create_server

# An open connection that stays silent for so long has no request on its way.
SILENCE_S = 1


def is_of_use(record: logging.LogRecord) -> bool:
    """Leave out that all threads are at work: here that is a good day's state, not a warning."""
    return not record.getMessage().startswith("total open connections ")


class Program:
    """A server that, once told to stop, answers what it has accepted and no more."""

    def __init__(self, server: BaseWSGIServer, grace_s: int) -> None:
        self.server = server
        self.grace_s = grace_s
        self.stopped = False

    def stop(self, *_: object) -> None:
        """Ask for the end; a signal handler, so all it does is to wake the loop."""
        self.stopped = True
        self.server.pull_trigger()

    def run(self) -> None:
        """Serve until told to stop, then finish within the grace."""
        while not self.stopped:
            self.turn(timeout_s=1)
        self.close_listener()
        deadline = time.monotonic() + self.grace_s
        while self.server.active_channels and time.monotonic() < deadline:
            self.close_silent()
            self.turn(timeout_s=0.1)

    def turn(self, timeout_s: float) -> None:
        """Handle what the sockets have to say, waiting for it no longer than the timeout."""
        use_poll = self.server.adj.asyncore_use_poll
        wasyncore.loop(timeout_s, use_poll, self.server._map, count=1)

    def close_listener(self) -> None:
        """Accept what already waits, and listen no more."""
        while select.select([self.server.socket], [], [], 0)[0]:
            self.server.handle_accept()
        # Not the server's own close: that one takes away what the threads wake the loop with.
        wasyncore.dispatcher.close(self.server)

    def close_silent(self) -> None:
        """Have the connections closed on which nothing is going on."""
        for channel in self.server.active_channels.values():
            if not channel.requests and channel.last_activity < time.time() - SILENCE_S:
                channel.will_close = True


def serve(application: WSGIApplication, *, grace_s: int, **options: Any) -> None:
    """Serve the application until SIGTERM or SIGINT, then for at most ``grace_s`` more."""
    logging.getLogger("waitress").addFilter(is_of_use)
    program = Program(create_server(application, **options), grace_s)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, program.stop)
    program.run()


def main(argv: list[str]) -> int:
    """Run Waitress with its own arguments, which follow the seconds of grace."""
    name, grace_s, *arguments = argv

    def serve_with_grace(application: WSGIApplication, **options: Any) -> None:
        serve(application, grace_s=int(grace_s), **options)

    code: int = runner.run([name, *arguments], _serve=serve_with_grace)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv))
