"""A client reads the frames of a server however they arrive, and records the stamps in them."""

import asyncio
import zlib
from collections.abc import Callable

import pytest
import uvloop

from django_tandem.bench.fanout_client import SocketClient, frame, stamped

ACCEPTED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"
AT_NS = 1_234_567_890_123
MESSAGE = stamped('{"at": "{stamp}"}', AT_NS).encode()


class Transport(asyncio.Transport):
    """Keeps what is written, and whether it was closed."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.is_closed = False

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def close(self) -> None:
        self.is_closed = True

    abort = close


class Owner:
    """Keeps the stamps."""

    handshake = b"GET /ws/ HTTP/1.1\r\n\r\n"

    def __init__(self) -> None:
        self.stamps: list[int] = []

    def on_stamp(self, _client: SocketClient, at_ns: int) -> None:
        self.stamps.append(at_ns)


def _served(opcode: int, payload: bytes) -> bytes:
    """Return a frame as a server sends it, without a mask."""
    masked = frame(opcode, payload)
    head = masked[: len(masked) - len(payload) - 4]
    return bytes((head[0], head[1] & 0x7F)) + head[2:] + payload


def _fed(*parts: bytes, act: Callable[[SocketClient], None] = lambda _client: None):
    """Return the owner, the transport and the client, once it has received the parts in turn."""

    async def run() -> tuple[Owner, Transport, SocketClient]:
        owner, transport = Owner(), Transport()
        client = SocketClient(owner)
        client.connection_made(transport)
        for part in parts:
            client.data_received(part)
        act(client)
        return owner, transport, client

    return uvloop.run(run())


def test_the_stamp_of_a_message_is_recorded() -> None:
    """Wherever in the message it is."""
    owner, transport, _ = _fed(ACCEPTED, _served(1, MESSAGE))

    assert owner.stamps == [AT_NS]
    assert transport.written == [Owner.handshake]


@pytest.mark.parametrize("length", [0, 200, 70_000])
def test_frames_of_each_length_are_read_however_they_are_cut(length) -> None:
    """Byte by byte, as well as all at once."""
    sent = ACCEPTED + 2 * _served(2, MESSAGE + b"x" * length)
    in_pieces = [sent[at : at + 1] for at in range(400)] + [sent[400:]]

    assert _fed(sent)[0].stamps == _fed(*in_pieces)[0].stamps == [AT_NS, AT_NS]


def test_compressed_messages_are_read() -> None:
    """Each uses what came before it, as permessage-deflate has it."""
    deflater = zlib.compressobj(wbits=-15)
    sent = []
    for _ in range(2):
        data = deflater.compress(MESSAGE) + deflater.flush(zlib.Z_SYNC_FLUSH)
        plain = _served(1, data[:-4])
        sent.append(bytes((plain[0] | 0x40,)) + plain[1:])

    assert _fed(ACCEPTED, *sent)[0].stamps == [AT_NS, AT_NS]


def test_a_message_without_a_stamp_is_passed_over() -> None:
    """As the presence of others is."""
    assert _fed(ACCEPTED, _served(1, b'{"watching": 7}'))[0].stamps == []


def test_a_ping_is_answered() -> None:
    """Or the server would close the WebSocket."""
    _, transport, _ = _fed(ACCEPTED, _served(9, b"now"))

    assert transport.written[1:] == [frame(10, b"now")]


def test_a_close_is_answered_and_its_code_kept() -> None:
    """The code is that of the server."""
    _, transport, client = _fed(
        ACCEPTED, _served(8, (1012).to_bytes(2)), act=lambda c: c.connection_lost(None)
    )

    assert transport.is_closed
    assert client.closed.result() == 1012


def test_a_broken_connection_counts_as_1006() -> None:
    """Which no server sends."""
    _, _, client = _fed(ACCEPTED, act=lambda each: each.connection_lost(None))

    assert client.closed.result() == 1006


@pytest.mark.parametrize(
    ("head", "status"), [(b"HTTP/1.1 403 Forbidden\r\n\r\n", 403), (b"?\r\n\r\n", 0)]
)
def test_a_refused_handshake_has_its_status(head, status) -> None:
    """0 for a response that is not HTTP; the connection is cut."""

    async def run() -> tuple[int, bool]:
        transport, client = Transport(), SocketClient(Owner())
        client.connection_made(transport)
        client.data_received(head)
        return await client.opened, transport.is_closed

    assert uvloop.run(run()) == (status, True)
