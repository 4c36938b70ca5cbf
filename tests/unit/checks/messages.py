"""Messages of the checks as plain values."""

from collections.abc import Iterable

from django.core.checks import CheckMessage


def ids(messages: Iterable[CheckMessage]) -> list[str]:
    return [str(message.id) for message in messages]


def contents(messages: Iterable[CheckMessage]) -> list[tuple[str, str, str, str]]:
    """The id, the object, the sentence and the hint of each."""
    return [(message.id, message.obj, message.msg, message.hint) for message in messages]
