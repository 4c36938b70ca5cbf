"""The metrics that the monitor sends by StatsD, by STATSD_ARGS of the live generation."""

import os

from django_tandem import environment
from django_tandem.errors import TandemError
from django_tandem.model.state import State
from django_tandem.monitor.minutes import EDGE_FILES
from django_tandem.monitor.request_lines import EDGE, RequestLine
from django_tandem.monitor.statsd import StatsdSender, StatsdTarget, read_target
from django_tandem.runtime.waiting import report


class StatsdExport:
    """Counts the requests that a stack answered, and sends to no server or to one."""

    def __init__(self) -> None:
        self._sender: StatsdSender | None = None

    def configure(self, state: State) -> None:
        """Send where STATSD_ARGS says, in ENV_FILE or else in this process's environment."""
        try:
            target = read_target(_arguments(state))
        except ValueError as error:
            report(f"Nothing is sent by StatsD: STATSD_ARGS can't be read: {error}.")
            target = None
        except TandemError as error:
            # The generation before has read the file, and had a target then.
            report(error.message)
            return
        if target != self._target:
            self.close()
            self._sender = StatsdSender(target) if target else None

    def add(self, line: RequestLine) -> None:
        """Count a request that was for a stack, whether that answered or not."""
        if self._sender is not None and not _is_of_edge(line):
            self._sender.add(line.status, None if line.is_long else _duration_s(line))

    def flush(self, workers: int) -> None:
        """Send what has been counted since the last flush, and the number of workers."""
        if self._sender is not None:
            self._sender.flush(workers)

    def close(self) -> None:
        """Send what has been counted, and end."""
        if self._sender is not None:
            self._sender.flush()
            self._sender.close()
        self._sender = None

    @property
    def _target(self) -> StatsdTarget | None:
        return self._sender.target if self._sender else None


def _arguments(state: State) -> str:
    # A generation reads its files anew, and they take precedence.
    named = [dict(each.environment).get(environment.ENV_FILE, "") for each in state.processes]
    files = next(filter(None, named), "")
    variables = dict(os.environ)
    if files:
        # With all readers of settings: most stacks have no ENV_FILE, and this takes a megabyte.
        from django_tandem.runtime.trusted_env_files import read_trusted  # noqa: PLC0415

        variables.update(read_trusted(filter(None, files.split(os.pathsep))))
    return variables.get(environment.STATSD_ARGS, "")


def _is_of_edge(line: RequestLine) -> bool:
    # That of a stack which has not answered has its route.
    return line.stack == EDGE and line.route == EDGE_FILES


def _duration_s(line: RequestLine) -> float:
    """Return the time in the worker, which is what Gunicorn measures, or else at the edge."""
    if line.worker_s is None:
        return line.duration_s
    return max(0.0, line.worker_s - (line.queue_s or 0.0))
