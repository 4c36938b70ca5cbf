"""Channels' worker as a program that finishes what it has begun before it ends."""

import asyncio
import signal
import sys
from typing import Any

from channels.management.commands.runworker import Command
from channels.worker import Worker
from django.core.management import execute_from_command_line

from django_tandem.handler.consumers import Threads
from django_tandem.handler.protocol import Application, Message, Receive, Scope, Send
from django_tandem.inprocess.asgi.popping import Popping

SIGNALS = (signal.SIGTERM, signal.SIGINT)
POLL_S = 0.05


class Idleness:
    """Passes messages on to a consumer, and tells when it has finished with the last one."""

    def __init__(self, application: Application) -> None:
        self.application = application
        self.waiting: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        channel = scope["channel"]

        async def receive_noted() -> Message:
            # It has done with one message when it asks for the next.
            self.waiting.add(channel)
            try:
                return await receive()
            finally:
                self.waiting.discard(channel)

        await self.application(scope, receive_noted, send)


class FinishingWorker(Worker):  # type: ignore[misc]
    """A worker that, once told to stop, takes no new message and finishes those it has."""

    def __init__(self, application: Application, *args: Any, **kwargs: Any) -> None:
        self.idleness = Idleness(Threads(application))
        super().__init__(self.idleness, *args, **kwargs)
        self.stopping = asyncio.Event()

    async def handle(self) -> None:
        """Take messages until told to stop, or until a channel fails."""
        loop = asyncio.get_running_loop()
        for each in SIGNALS:
            loop.add_signal_handler(each, self.stop)
        popping = Popping(self.channel_layer)
        listeners = [asyncio.ensure_future(self.listener(name)) for name in self.channels]
        stopped = asyncio.ensure_future(self.stopping.wait())
        await asyncio.wait([*listeners, stopped], return_when=asyncio.FIRST_COMPLETED)
        failed = [listener for listener in listeners if listener.done()]
        await popping.stop(listeners)
        await self.finish()
        for listener in failed:
            listener.result()

    def stop(self) -> None:
        """Stop in good order; the next signal ends the process at once."""
        for each in SIGNALS:
            asyncio.get_running_loop().remove_signal_handler(each)
        self.stopping.set()

    async def finish(self) -> None:
        """Wait until every consumer has done with what it was given."""
        while any(self.is_busy(*item) for item in self.application_instances.items()):
            await asyncio.sleep(POLL_S)

    def is_busy(self, channel: str, details: dict[str, Any]) -> bool:
        """Return whether a consumer is at work, or failed and nobody has said so yet."""
        is_waiting = channel in self.idleness.waiting and details["input_queue"].empty()
        return details["future"].done() or not is_waiting


def main() -> None:
    """Run the runworker command, with our worker in the place of Channels'."""
    Command.worker_class = FinishingWorker
    execute_from_command_line([sys.argv[0], "runworker", *sys.argv[1:]])


if __name__ == "__main__":
    main()
