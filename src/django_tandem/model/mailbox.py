"""The bound of a consumer's mailbox, and what happens to a client that reads too slowly for it."""

from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import parse_qsl, urlencode


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
