"""
A WebSocket client that costs little CPU time: ten thousand of them must not be what is measured.

A broadcast contains a stamp, the time of its sending on the clock that all processes of a machine
share. A client reads frames, and records the stamp of each message that has one.
"""

import asyncio
import struct
import time
import zlib
from typing import Protocol, cast

# In the text of a trigger or a message: what a stamp replaces.
PLACEHOLDER = "{stamp}"
STAMP, DIGITS = b"tandem-", 19
CONTINUATION, TEXT, BINARY, CLOSE, PING = 0, 1, 2, 8, 9
COMPRESSED = 0x40
ABNORMAL = 1006
# RFC 7692, 7.2.2: what a sender removes from the end of a compressed message.
TAIL = b"\x00\x00\xff\xff"


def stamped(text: str, at_ns: int) -> str:
    """Return ``text`` with a stamp in each place for one."""
    return text.replace(PLACEHOLDER, f"{STAMP.decode()}{at_ns:0{DIGITS}d}")


def frame(opcode: int, payload: bytes) -> bytes:
    """Return a frame as a client sends it; a mask of zeros leaves the payload unchanged."""
    length = len(payload)
    if length < 126:
        head = struct.pack("!BB", 0x80 | opcode, 0x80 | length)
    elif length < 1 << 16:
        head = struct.pack("!BBH", 0x80 | opcode, 0x80 | 126, length)
    else:
        head = struct.pack("!BBQ", 0x80 | opcode, 0x80 | 127, length)
    return head + bytes(4) + payload


class ClientOwner(Protocol):
    """What has opened the clients: it provides their handshake, and records their stamps."""

    handshake: bytes

    def on_stamp(self, client: "SocketClient", at_ns: int) -> None:
        """Record a message with a stamp."""


class SocketClient(asyncio.Protocol):
    """
    One WebSocket: ``opened`` is set to its status once it has one, ``closed`` to its close code.

    ``last_ns`` is its newest stamp. ``opened_ns`` is when it opened; 0 until then.
    """

    __slots__ = (
        "_buffer",
        "_code",
        "_inflater",
        "_owner",
        "_transport",
        "closed",
        "last_ns",
        "opened",
        "opened_ns",
    )

    def __init__(self, owner: ClientOwner) -> None:
        loop = asyncio.get_running_loop()
        self._owner = owner
        # The start of a frame whose end has not arrived.
        self._buffer = bytearray()
        self._code = ABNORMAL
        # Most servers compress nothing: memory for those that do.
        self._inflater: zlib._Decompress | None = None
        self.opened: asyncio.Future[int] = loop.create_future()
        self.closed: asyncio.Future[int] = loop.create_future()
        self.opened_ns = self.last_ns = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the handshake."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(self._owner.handshake)

    def data_received(self, data: bytes | bytearray) -> None:
        """Read the response to the handshake, and then frames."""
        if self._buffer:
            # In place: a message of many megabytes arrives in many parts.
            self._buffer += data
            data = self._buffer
        read = self._read_frames(data, 0 if self.opened_ns else self._read_handshake(data))
        if data is self._buffer:
            del self._buffer[:read]
        elif read < len(data):
            self._buffer += data[read:]

    def connection_lost(self, _error: Exception | None) -> None:
        """Report how it ended."""
        if not self.opened.done():
            self.opened.set_result(0)
        if not self.closed.done():
            self.closed.set_result(self._code)

    def send(self, text: str) -> None:
        """Send a message."""
        self._transport.write(frame(TEXT, text.encode()))

    def close(self) -> None:
        """Close it as a browser does whose page is left."""
        self._transport.write(frame(CLOSE, struct.pack("!H", 1001)))
        self._transport.close()

    def abort(self) -> None:
        """Cut the connection."""
        self._transport.abort()

    def pause_reading(self) -> None:
        """Read nothing from here on, as a client that stalls."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Read again."""
        self._transport.resume_reading()

    def _read_handshake(self, data: bytes | bytearray) -> int:
        """Read the response once it is whole, and return where it ends; 0 until then."""
        end = data.find(b"\r\n\r\n")
        if end < 0:
            return 0
        status = int(data[9:12]) if data[:7] == b"HTTP/1." else 0
        if status == 101:
            self.opened_ns = time.monotonic_ns()
        else:
            self._transport.abort()
        if not self.opened.done():
            self.opened.set_result(status)
        return end + 4

    def _read_frames(self, data: bytes | bytearray, start: int) -> int:
        """Read each whole frame from ``start`` on, and return where the last one ends."""
        end = len(data) if self.opened_ns else start
        while end - start >= 2:
            length, payload = data[start + 1], start + 2
            if length == 126:
                payload += 2
                length = int.from_bytes(data[start + 2 : payload])
            elif length == 127:
                payload += 8
                length = int.from_bytes(data[start + 2 : payload])
            if end < payload + length:
                break
            self._read_frame(data[start], bytes(data[payload : payload + length]))
            start = payload + length
        return start

    def _read_frame(self, first: int, payload: bytes) -> None:
        opcode = first & 0x0F
        if opcode in (TEXT, BINARY, CONTINUATION):
            if first & COMPRESSED:
                payload = self._inflate(payload)
            at = payload.find(STAMP)
            if at >= 0:
                digits = at + len(STAMP)
                self._owner.on_stamp(self, int(payload[digits : digits + DIGITS]))
        elif opcode == PING:
            self._transport.write(frame(10, payload))
        elif opcode == CLOSE:
            self._code = int.from_bytes(payload[:2]) or ABNORMAL
            self._transport.write(frame(CLOSE, payload[:2]))
            self._transport.close()

    def _inflate(self, payload: bytes) -> bytes:
        if self._inflater is None:
            self._inflater = zlib.decompressobj(wbits=-15)
        return self._inflater.decompress(payload + TAIL)
