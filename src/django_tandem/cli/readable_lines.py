"""The lines of a log for a person: JSON objects as text, other lines as they are."""

import json
from collections.abc import Sequence
from typing import Any

from django_tandem.inprocess.json_logging import read_object

# What each line of a stack that logs JSON has. An object of the project without them stays JSON.
NEEDED = ("time", "level", "message")
# In the message of an access line, or at the start of the line.
NOT_REPEATED = frozenset(
    {*NEEDED, "program", "generation", "exception", "stack_info", "method", "path", "status"}
)


class ReadableLines:
    """The lines of one program's log, its name before each."""

    def __init__(self, program: str) -> None:
        self._prefix = f"{program:<10} | "

    def feed(self, lines: Sequence[bytes]) -> list[bytes]:
        """Return the lines to print: several for an object with a traceback."""
        texts = (line.decode(errors="replace") for line in lines)
        return [f"{self._prefix}{each}".encode() for text in texts for each in readable(text)]


def readable(text: str) -> list[str]:
    """Return the lines of one line of a log."""
    found = read_object(text)
    if found is None or not all(isinstance(found.get(name), str) for name in NEEDED):
        return [text]
    more = [
        f"{name}={_value(value)}"
        for name, value in found.items()
        if name not in NOT_REPEATED and value not in (None, "")
    ]
    first = " ".join([found["time"], found["level"].upper(), found["message"], *more])
    below = (found.get(name) for name in ("exception", "stack_info"))
    return [
        _printable(line) for each in (first, *filter(None, below)) for line in str(each).split("\n")
    ]


def _value(value: Any) -> str:
    if isinstance(value, str) and value.isprintable() and " " not in value:
        return value
    return json.dumps(value, ensure_ascii=False)


def _printable(text: str) -> str:
    # A terminal would obey a control character.
    return "".join(each if each.isprintable() else json.dumps(each)[1:-1] for each in text)
