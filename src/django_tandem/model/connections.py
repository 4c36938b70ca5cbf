"""Long connections: their bounds and mailboxes, and how a drain or a block ends them."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import parse_qsl, urlencode

from django_tandem.model.routes import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionAges:
    """The seconds after which a WebSocket or an event stream is ended; None for no bound."""

    websockets_s: int | None = None
    streams_s: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLimits:
    """How many WebSockets and event streams one process takes, and how long; None is no bound."""

    websockets: int | None = None
    streams: int | None = None
    ages: ConnectionAges = ConnectionAges()

    def as_text(self) -> str:
        """Return the bounds as one line, for the environment of a process."""
        numbers = {
            "websockets": self.websockets,
            "streams": self.streams,
            "websockets_s": self.ages.websockets_s,
            "streams_s": self.ages.streams_s,
        }
        return urlencode({name: number for name, number in numbers.items() if number is not None})


def read_limits(text: str) -> ConnectionLimits:
    """Read what ``ConnectionLimits.as_text()`` has written; an empty text has no bounds."""
    given = {name: int(number) for name, number in parse_qsl(text)}
    return ConnectionLimits(
        websockets=given.get("websockets"),
        streams=given.get("streams"),
        ages=ConnectionAges(
            websockets_s=given.get("websockets_s"), streams_s=given.get("streams_s")
        ),
    )


class DrainMode(StrEnum):
    """
    How connections end.

    SPREAD closes each at a random moment of the window. WAIT leaves them open for
    either side to close, and closes the rest at the end of the window.
    """

    SPREAD = "spread"
    WAIT = "wait"


@dataclass(frozen=True, slots=True, kw_only=True)
class DrainRule:
    """The mode of the connections whose path begins with ``prefix``."""

    prefix: str
    mode: DrainMode


def drain_mode(rules: Iterable[DrainRule], path: str) -> DrainMode:
    """Return the mode of the first rule for ``path``; SPREAD without one."""
    found = (rule.mode for rule in rules if path.startswith(rule.prefix))
    return next(found, DrainMode.SPREAD)


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockRule:
    """
    The paths of one route, as a regular expression of Python, and whether they are blocked.

    ``protocol`` is None for both. Routes that are not blocked stand in front of those that are,
    as the first match decides.
    """

    regex: str
    is_blocked: bool = True
    protocol: Protocol | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """
    One blocked ``target``, which names routes as a pin does, or by their pattern.

    Requests get ``status``. WebSockets are refused, and open ones closed with the code ``close``;
    they and event streams end within ``window_s`` from the Unix time ``since_s``.
    """

    target: str
    status: int
    close: int
    window_s: float
    since_s: float
    rules: tuple[BlockRule, ...]


class SlowClient(StrEnum):
    """
    What happens where a mailbox is full.

    CLOSE closes the WebSocket with 1013. DROP_OLDEST drops the message that has waited longest.
    LATEST keeps the newest message of each type.
    """

    CLOSE = "close"
    DROP_OLDEST = "drop_oldest"
    LATEST = "latest"


@dataclass(frozen=True, slots=True, kw_only=True)
class MailboxLimits:
    """How many messages of the channel layer wait for one consumer, and the policy beyond."""

    messages: int = 1000
    slow_client: SlowClient = SlowClient.CLOSE

    def as_text(self) -> str:
        """Return the limits as one line, for the environment of a process."""
        return urlencode({"messages": self.messages, "slow_client": self.slow_client.value})


def read_mailbox_limits(text: str) -> MailboxLimits:
    """Read what ``MailboxLimits.as_text()`` has written; an empty text has the defaults."""
    given = dict(parse_qsl(text))
    if not given:
        return MailboxLimits()
    return MailboxLimits(
        messages=int(given["messages"]), slow_client=SlowClient(given["slow_client"])
    )
