"""The moments of a stop, all of which follow from STOP_S and STOP_DELAY_S."""

import math
from dataclasses import dataclass

# The default of STOP_S, also where the settings of a stack are not known.
DEFAULT_STOP_S = 8
# The last part of a stop: the servers end, with what the project does at its exit.
LAST_S = 5.0
# The share of a short stop that this part takes.
LAST_SHARE = 0.25
# How long the edge may pass on answers once every server has ended.
EDGE_S = 0.5
# What a busy machine may add.
BUSY_S = 10
# A person at the terminal waits for it, and no load balancer stands before a terminal.
INTERACTIVE_WINDOW_S = 1.0
# An upload needs servers that listen, so a short window does not end them earlier.
UPLOAD_S = 2.0
# The shortest stop that leaves time for a drain and for the end of the servers.
SHORTEST_S = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class StopTimes:
    """STOP_S and STOP_DELAY_S: how long a stop takes at most, and how long of it still serves."""

    stop_s: int
    delay_s: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StopBudget:
    """
    The moments of a stop, in seconds from its signal.

    ``refuse_at_s``: the listening sockets close, WebSockets and streams begin to end, programs
    get their stop signal. ``window_s``: how long from then the WebSockets and streams are closed.
    ``servers_at_s``: the servers get their stop signal, unless the edge has ended before.
    ``servers_end_s``: a server or a program that still runs is killed. ``edge_end_s``: so is the
    edge, and with it the stack has ended.
    """

    refuse_at_s: float
    window_s: float
    servers_at_s: float
    servers_end_s: float
    edge_end_s: float

    @property
    def announcement(self) -> str:
        """The line in the log that says what the stop does, and for how long at most."""
        delay_s = self.refuse_at_s
        left_s = math.ceil(self.servers_end_s - delay_s)
        serves = f"serves for {delay_s:g} s more, then " if delay_s else ""
        return f"stopping: {serves}finishes requests in flight, for {left_s} s at most"


def stop_budget(stop_s: float, delay_s: float = 0, *, is_interactive: bool = False) -> StopBudget:
    """
    Return the moments of a stop that takes at most ``stop_s``, ``delay_s`` of it still serving.

    An interactive stop, that of Ctrl-C, has no delay and a short window.
    """
    delay_s = 0 if is_interactive else delay_s
    left_s = stop_s - delay_s
    window_s = left_s - min(LAST_S, LAST_SHARE * left_s)
    if is_interactive:
        window_s = min(INTERACTIVE_WINDOW_S, window_s)
    return StopBudget(
        refuse_at_s=delay_s,
        window_s=window_s,
        servers_at_s=delay_s + max(window_s, min(UPLOAD_S, left_s / 2)),
        servers_end_s=stop_s,
        edge_end_s=stop_s + EDGE_S,
    )


def exit_s(stop_s: float, delay_s: float = 0) -> float:
    """Return how long a server has at a stop, from its signal until it is killed."""
    budget = stop_budget(stop_s, delay_s)
    return budget.servers_end_s - budget.servers_at_s


def end_s(stop_s: float) -> float:
    """Return within how many seconds all processes have ended, supervisord included."""
    return stop_s + 1


def command_s(stop_s: float) -> float:
    """Return how long a command waits for a stop before it kills supervisord."""
    return end_s(stop_s) + BUSY_S
