"""
The file of a process's slot: in shared memory, with a link in the run directory.

A page of a file on a disk may wait for that disk when it is written to, and a request with it.

    numbers    64 doubles, each of which is written and read at once
    requests   32 places of 512 bytes: a sequence number, the start, and texts
    details    16 kB: a sequence number, a length, a checksum, and a JSON object

A sequence number is odd while its part is written, so that a reader never takes a part of two
versions. All of it is in native byte order, as both processes run on one machine.
"""

import contextlib
import errno
import json
import logging
import mmap
import os
import struct
import tempfile
import time
import zlib
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

import psutil

from django_tandem.inprocess import shared_memory
from django_tandem.model.scoreboard import (
    SCOREBOARD,
    InFlight,
    Mailboxes,
    Messages,
    Threads,
    WorkerSlot,
)

logger = logging.getLogger("django_tandem")


def map_slot(run_dir: Path) -> mmap.mmap:
    """
    Return the memory of this process's slot.

    Falls back to a file in the run directory where shared memory is full, and to private memory
    where the disk is full as well.
    """
    path = slot_path(run_dir, os.getpid())
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        remove_stale(run_dir)
        if shared_memory.is_available():
            with contextlib.suppress(OSError):
                return _map_file(path, in_memory=True)
        return _map_file(path, in_memory=False)
    except OSError as error:
        logger.warning("The monitor does not see this worker: %s.", error)
        return mmap.mmap(-1, SLOT_BYTES)


def slot_path(run_dir: Path, pid: int) -> Path:
    """Return the path of a process's slot."""
    return run_dir / SCOREBOARD / str(pid)


def remove_slot(path: Path) -> None:
    """Remove a slot, with its file in shared memory."""
    with contextlib.suppress(OSError):
        target = path.readlink()
        # The directory may hold a link that is not ours.
        if target.parent == shared_memory.DIRECTORY and target.name.startswith(
            shared_memory.SLOT_PREFIX
        ):
            target.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)


def remove_all(run_dir: Path) -> None:
    """Remove the slots of a stack that has ended."""
    with contextlib.suppress(OSError):
        for path in (run_dir / SCOREBOARD).iterdir():
            remove_slot(path)


def remove_stale(run_dir: Path) -> None:
    """Remove the slots of processes that have ended; call it in their PID namespace."""
    with contextlib.suppress(OSError):
        for path in (run_dir / SCOREBOARD).iterdir():
            if path.stem.isdecimal() and not psutil.pid_exists(int(path.stem)):
                remove_slot(path)


def _map_file(path: Path, *, in_memory: bool) -> mmap.mmap:
    # That of an earlier process with this pid.
    remove_slot(path)
    new = path.with_suffix(".new")
    remove_slot(new)
    handle, name = _make_file(new, in_memory=in_memory)
    try:
        _allocate(handle)
        # The mapping keeps the lock when the handle is closed.
        shared_memory.lock(handle)
        mapped = mmap.mmap(handle, SLOT_BYTES)
        if name != new:
            new.symlink_to(name)
        new.replace(path)
    except OSError:
        remove_slot(new)
        name.unlink(missing_ok=True)
        raise
    finally:
        os.close(handle)
    return mapped


def _allocate(handle: int) -> None:
    # On a full disk, a write to a hole in the mapped file would end the process.
    if os.write(handle, bytes(SLOT_BYTES)) < SLOT_BYTES:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _make_file(new: Path, *, in_memory: bool) -> tuple[int, Path]:
    if in_memory:
        handle, name = tempfile.mkstemp(
            prefix=shared_memory.SLOT_PREFIX, dir=shared_memory.DIRECTORY
        )
        return handle, Path(name)
    return os.open(new, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), new


# Changes with the layout, so that a slot of another version is not read.
VERSION = 1.0

# The places of the numbers. Times are in seconds: since the epoch, or of the monotonic clock.
(
    VERSION_AT,
    PID,
    GENERATION,
    # In seconds since the boot: the process of that pid is no younger.
    OPENED_AT,
    STARTED_AT,
    REQUESTS,
    # While a request is in progress, less the time at which it began: negative, and one number.
    BUSY_S,
    IN_FLIGHT,
    LAG_S,
    LAG_MAX_S,
    # Monotonic: when the timer of the event loop is due; 0 without a loop.
    TIMER_DUE,
) = range(11)
NUMBERS = 64

PLACES = 32
_REQUEST = struct.Struct("@Qd496s")
_HEADER_BYTES = NUMBERS * 8
_DETAILS_AT = _HEADER_BYTES + PLACES * _REQUEST.size
_DETAILS = struct.Struct("@QQQ")
_DETAILS_BYTES = 16 * 1024
MAX_DETAILS = _DETAILS_BYTES - _DETAILS.size
SLOT_BYTES = _DETAILS_AT + _DETAILS_BYTES

# What follows the sequence numbers.
_START_AND_TEXT = struct.Struct("@d496s")
_LENGTHS = struct.Struct("@QQ")
_SEQUENCE_BYTES = 8
# A writer is in the middle of a part for about a microsecond.
ATTEMPTS = 20

T = TypeVar("T")


class SlotWriter:
    """Writes the parts of a slot to a buffer; each part has one writer at a time."""

    def __init__(self, buffer: Any) -> None:
        self._buffer = buffer
        view = memoryview(buffer)
        self.numbers = view[:_HEADER_BYTES].cast("d")
        self._words = view.cast("Q")

    def write_request(self, place: int, since: float, texts: tuple[str, str, str, str]) -> None:
        """Write a request with its method, route, id and path, whose end may not fit."""
        at = _HEADER_BYTES + place * _REQUEST.size
        text = "\0".join(texts).encode(errors="replace")
        # Odd from now on, also where a signal has interrupted the last write.
        self._words[at // 8] |= 1
        _START_AND_TEXT.pack_into(self._buffer, at + _SEQUENCE_BYTES, since, text)
        self._words[at // 8] += 1

    def free(self, place: int) -> None:
        """Note that the request at this place has ended."""
        at = _HEADER_BYTES + place * _REQUEST.size + _SEQUENCE_BYTES
        self._words[at // 8] = 0

    def write_details(self, text: bytes) -> None:
        """Write the JSON object, of MAX_DETAILS at most."""
        lengths_at, text_at = _DETAILS_AT + _SEQUENCE_BYTES, _DETAILS_AT + _DETAILS.size
        self._words[_DETAILS_AT // 8] |= 1
        _LENGTHS.pack_into(self._buffer, lengths_at, len(text), zlib.crc32(text))
        self._buffer[text_at : text_at + len(text)] = text
        self._words[_DETAILS_AT // 8] += 1


def read_slot(buffer: Any) -> WorkerSlot | None:
    """Return the slot in ``buffer``; None for another layout, or while it is being written."""
    view = memoryview(buffer)
    numbers, words = view[:_HEADER_BYTES].cast("d"), view.cast("Q")
    try:
        details = _unless_written(words, _DETAILS_AT, lambda: _read_details(view))
        if numbers[VERSION_AT] != VERSION or details is None:
            return None
        places = [
            at
            for at in range(_HEADER_BYTES, _DETAILS_AT, _REQUEST.size)
            # Most are free, and need no further look.
            if words[(at + _SEQUENCE_BYTES) // 8]
        ]
        found = [_unless_written(words, at, lambda at=at: _read_request(view, at)) for at in places]  # type: ignore[misc]
        in_flight = sorted((each for each in found if each), key=lambda each: each.since)
        return WorkerSlot(
            **_from_numbers(numbers, time.monotonic()), in_flight=tuple(in_flight), **details
        )
    finally:
        for each in (numbers, words, view):
            each.release()


def opened_at(buffer: Any) -> float:
    """Return when the slot was opened, in seconds since the boot."""
    with memoryview(buffer) as view, view[:_HEADER_BYTES].cast("d") as numbers:
        return float(numbers[OPENED_AT])


def _from_numbers(numbers: Any, now: float) -> dict[str, Any]:
    busy_s, due = numbers[BUSY_S], numbers[TIMER_DUE]
    # A timer that is due now is late by so much already: the loop is blocked.
    lag_s = max(numbers[LAG_S], now - due) if due else None
    return {
        "pid": int(numbers[PID]),
        "generation": int(numbers[GENERATION]),
        "started_at": numbers[STARTED_AT],
        "requests": int(numbers[REQUESTS]),
        "busy_s": busy_s + now if busy_s < 0 else busy_s,
        "in_flight_count": int(numbers[IN_FLIGHT]),
        "lag_s": lag_s,
        "lag_max_s": None if lag_s is None else max(lag_s, numbers[LAG_MAX_S]),
    }


def _unless_written(words: memoryview, at: int, read: Callable[[], T]) -> T | None:
    for _ in range(ATTEMPTS):
        sequence = words[at // 8]
        if sequence % 2 == 0:
            found = read()
            if words[at // 8] == sequence:
                return found
    return None


def _read_request(view: memoryview, at: int) -> InFlight | None:
    _, since, text = _REQUEST.unpack_from(view, at)
    if not since:
        return None
    texts = text.rstrip(b"\0").decode(errors="replace").split("\0", 3)
    # The end of a long text was left out.
    method, route, request_id, path = (*texts, "", "", "")[:4]
    return InFlight(method=method, path=path, route=route, since=since, request_id=request_id)


def _read_details(view: memoryview) -> dict[str, Any] | None:
    _, length, checksum = _DETAILS.unpack_from(view, _DETAILS_AT)
    begin = _DETAILS_AT + _DETAILS.size
    text = bytes(view[begin : begin + min(length, MAX_DETAILS)])
    # Not every processor shows the writes of another in their order.
    if not length or zlib.crc32(text) != checksum:
        return None
    found = _known(WorkerSlot, json.loads(text))
    threads = found.pop("threads", None)
    messages = found.pop("messages", {})
    mailboxes = found.pop("mailboxes", {})
    return {
        **found,
        "threads": Threads(**_known(Threads, threads)) if threads else None,
        "messages": Messages(**_known(Messages, messages)),
        "mailboxes": Mailboxes(**_known(Mailboxes, mailboxes)),
    }


def _known(of: type, given: dict[str, Any]) -> dict[str, Any]:
    # A reload may start workers of a newer version, which a monitor that keeps running reads.
    names = {each.name for each in fields(of)}
    return {name: value for name, value in given.items() if name in names}
