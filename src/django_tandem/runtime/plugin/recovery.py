"""How soon a program that died is started again, and how often."""

from typing import Any

from supervisor import events

from django_tandem.runtime.plugin.wake import Wake


class Recovery:
    """
    Starts again at once what has run before, and never gives it up.

    supervisord gives up a program that fails four times within seconds. Of one that has never
    run that says it can't; of one that has, only that something is away which may come back.
    """

    def __init__(self, wake: Wake) -> None:
        self._wake = wake
        self._has_run: set[str] = set()
        events.subscribe(events.ProcessStateRunningEvent, self._remember)
        events.subscribe(events.ProcessStateExitedEvent, self._hurry)
        events.subscribe(events.ProcessStateBackoffEvent, self._relent)

    def _remember(self, event: Any) -> None:
        self._has_run.add(event.process.config.name)

    def _hurry(self, _event: Any) -> None:
        # supervisord starts it in its next round, for which it would wait up to a second.
        self._wake.at_once()

    def _relent(self, event: Any) -> None:
        process = event.process
        if process.config.name not in self._has_run:
            return
        process.backoff = min(process.backoff, process.config.startretries)
        if process.backoff == 1:
            # One that was killed right after its start is no worse than one killed later.
            process.delay = 0
        self._wake.at_once()
