"""
Lines of a program's log → JSON objects, one on each line.

A line that is an object already keeps its keys. Of the servers whose lines have a known form, the
time and the level are read from it. Lines that belong together, as a traceback, are one object.
"""

import json
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from django_tandem.inprocess.json_logging import read_object
from django_tandem.model.programs import generation_of
from django_tandem.runtime.line_blocks import INFO, Line, LineBlock, open_block, read_line

# Valid in JSON, but a terminal obeys some of them, and some readers end a line at the others.
_UNSAFE = re.compile("[\x7f-\x9f\u2028\u2029]")
_UNDECODED = re.compile("[\udc80-\udcff]")


def utc_now() -> str:
    """Return the time in ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def own_object(message: str, level: str = INFO, **further: Any) -> str:
    """Return a line of tandem's own as an object."""
    return _dump(
        {
            "time": utc_now(),
            "program": "tandem",
            "generation": None,
            "level": level,
            "message": message,
            **further,
        }
    )


class JsonLines:
    """
    The lines of one program's log as JSON objects.

    ``now`` returns the time for lines that have none, or None where it is not known.
    """

    def __init__(self, program: str, now: Callable[[], str | None] = utc_now) -> None:
        generation = generation_of(program)
        self._origin = {
            "program": program.removesuffix(f"-{generation}"),
            "generation": generation or None,
        }
        self._now = now
        self._block: LineBlock | None = None

    def feed(self, lines: Sequence[bytes]) -> list[bytes]:
        """Return the objects that ``lines`` complete; without a line, a block is complete."""
        return [each for line in lines for each in self._take(line)] if lines else self.finish()

    def finish(self) -> list[bytes]:
        """Return the object of a block whose end is not known, if there is one."""
        block, self._block = self._block, None
        return [] if block is None else [self._of_line(block.line(), **block.texts()).encode()]

    def _take(self, line: bytes) -> list[bytes]:
        text = line.decode(errors="backslashreplace")
        if self._block is not None and self._block.takes(text):
            return []
        before = self.finish()
        self._block = open_block(text)
        # A line without text holds no information.
        if self._block is not None or not text.strip():
            return before
        return [*before, self._convert(line, text).encode()]

    def _convert(self, line: bytes, text: str) -> str:
        if line.lstrip().startswith(b"{"):
            given = line.decode(errors="surrogateescape").strip()
            escaped = _UNDECODED.sub(lambda found: f"\\\\x{ord(found[0]) - 0xDC00:02x}", given)
            if (known := read_object(escaped)) is not None:
                return self._with_origin(escaped, known)
        return self._of_line(read_line(text))

    def _with_origin(self, given: str, known: dict[str, Any]) -> str:
        """Add our keys to an object as it is written: its numbers and the order of keys stay."""
        added = {name: value for name, value in self._origin.items() if name not in known}
        if not added:
            return _escape(given)
        comma = ", " if known else ""
        return _escape(f"{given[:-1].rstrip()}{comma}{json.dumps(added)[1:]}")

    def _of_line(self, line: Line, **further: str) -> str:
        known = {"time": line.time, "logger": line.logger, **further}
        given = {name: value for name, value in known.items() if value}
        return self._object(line.message, line.level, **given)

    def _object(self, message: str, level: str, **further: Any) -> str:
        found = {"time": self._now(), **self._origin, "level": level, "message": message}
        return _dump({**found, **further})


def _dump(values: dict[str, Any]) -> str:
    return _escape(json.dumps(values, ensure_ascii=False))


def _escape(text: str) -> str:
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
