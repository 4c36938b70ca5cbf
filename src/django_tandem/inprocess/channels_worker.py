"""Channels' worker as a program that finishes the messages it has taken before it ends."""

import asyncio
import signal
import sys
from collections.abc import Sequence
from typing import Any

import django
from channels.layers import get_channel_layer
from channels.management.commands.runworker import Command
from channels.routing import get_default_application
from channels.worker import Worker
from django.apps import apps
from django.conf import settings
from django.urls import set_script_prefix

from django_tandem import fingerprints
from django_tandem.handler.application import should_serve
from django_tandem.handler.protocol import Application, Message, Receive, Scope, Send
from django_tandem.handler.switching import ParallelConsumers
from django_tandem.inprocess import consumers, process_start, scoreboard, telemetry
from django_tandem.inprocess.channel_layers import AtMostOnceReceive
from django_tandem.inprocess.manage_py import run_named_manage_py
from django_tandem.inprocess.process_start import prepare_process
from django_tandem.inprocess.scoreboard import ActiveRequest, Scoreboard
from django_tandem.inprocess.startup_failures import record_startup_failure
from django_tandem.inprocess.worker_process import process_name, set_process_name
from django_tandem.model import Stack, programs

SIGNALS = (signal.SIGTERM, signal.SIGINT)
POLL_S = 0.05

WORKER = (
    "channels.worker.Worker.__init__",
    "channels.worker.Worker.handle",
    "channels.worker.Worker.listener",
    "channels.management.commands.runworker.Command.handle",
    "asgiref.server.StatelessServer.get_or_create_application_instance",
)


class IdleChannels:
    """Runs the consumers, and keeps which channels' consumers wait for their next message."""

    def __init__(self, application: Application, board: Scoreboard | None) -> None:
        self.application = application
        self.board = board
        self.idle: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        channel = scope["channel"]
        message = ActiveMessage(self.board, channel)

        async def receive_noted() -> Message:
            # A consumer has finished one message when it receives the next.
            message.end()
            self.idle.add(channel)
            try:
                received = await receive()
            finally:
                self.idle.discard(channel)
            message.begin()
            return received

        try:
            await self.application(scope, receive_noted, send)
        finally:
            message.end()


class ActiveMessage:
    """The message that the consumer of a channel works on, in the slot of this process."""

    def __init__(self, board: Scoreboard | None, channel: str) -> None:
        self._board = board
        self._channel = channel
        self._active: ActiveRequest | None = None

    def begin(self) -> None:
        """Write that the consumer has a message."""
        if self._board is not None:
            self._active = self._board.begin("", "", "")
            self._active.note_route(self._channel)

    def end(self) -> None:
        """Write that the consumer has finished it, if it has one."""
        if self._board is not None and self._active is not None:
            self._board.end(self._active)
            self._active = None


class GracefulWorker(Worker):  # type: ignore[misc]
    """A worker that on SIGTERM takes no new message, and finishes those it has."""

    def __init__(self, application: Application, *args: Any, **kwargs: Any) -> None:
        if should_serve():
            application = ParallelConsumers(application)
        consumers.install()
        self.board = scoreboard.from_environment(programs.CHANNELS, dict)
        self.consumers = IdleChannels(application, self.board)
        super().__init__(self.consumers, *args, **kwargs)
        self.stopping = asyncio.Event()

    async def handle(self) -> None:
        """Take messages until a signal arrives, or until a channel fails."""
        loop = asyncio.get_running_loop()
        if self.board is not None:
            self.board.start_on_loop()
        for each in SIGNALS:
            loop.add_signal_handler(each, self.stop)
        receiving = AtMostOnceReceive(self.channel_layer)
        listeners = [asyncio.ensure_future(self.listener(name)) for name in self.channels]
        stopped = asyncio.ensure_future(self.stopping.wait())
        await asyncio.wait([*listeners, stopped], return_when=asyncio.FIRST_COMPLETED)
        failed = [listener for listener in listeners if listener.done()]
        await receiving.stop(listeners)
        await self.finish()
        for listener in failed:
            listener.result()

    def stop(self) -> None:
        """Stop gracefully; a second signal ends the process at once."""
        for each in SIGNALS:
            asyncio.get_running_loop().remove_signal_handler(each)
        self.stopping.set()

    async def finish(self) -> None:
        """Wait until every consumer has finished its messages."""
        while any(self.is_busy(*item) for item in self.application_instances.items()):
            await asyncio.sleep(POLL_S)

    def is_busy(self, channel: str, details: dict[str, Any]) -> bool:
        """Return whether a consumer works, or failed without the failure being logged yet."""
        is_idle = channel in self.consumers.idle and details["input_queue"].empty()
        return details["future"].done() or not is_idle


def worker_class() -> type[Worker]:
    """Return our worker, or Channels' own where the installed Channels was not read."""
    is_known = fingerprints.are_known(WORKER, otherwise="A stop interrupts the worker's consumers.")
    return GracefulWorker if is_known else Worker


def make_worker(channels: Sequence[str]) -> Worker:
    """Return the worker that the runworker command would run, on the default channel layer."""
    with record_startup_failure(Stack.ASGI):
        run_named_manage_py()
        if apps.ready:
            # The master's set-up leaves out the prefix, which is a thread's.
            set_script_prefix(settings.FORCE_SCRIPT_NAME or "/")
        else:
            django.setup()
        telemetry.start(programs.CHANNELS)
        return worker_class()(
            application=get_default_application(),
            channels=list(channels),
            channel_layer=get_channel_layer(),
        )


def main() -> None:
    """Run the runworker command with our worker instead of Channels'."""
    if process_start.are_signals_blocked():
        process_start.take_signals()
    prepare_process()
    run_named_manage_py()
    django.setup()
    telemetry.start(programs.CHANNELS)
    set_process_name(process_name(programs.CHANNELS))
    Command.worker_class = worker_class()
    # Django finds it by name only where `channels` is an app. The checks have run before the start.
    Command().run_from_argv([sys.argv[0], "runworker", "--skip-checks", *sys.argv[1:]])


if __name__ == "__main__":
    main()
