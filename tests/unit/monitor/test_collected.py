"""What the monitor collects of the stacks' sockets."""

from pathlib import Path

from builders import plan
from django_tandem.model import Bind
from django_tandem.monitor.collected import queues_of
from django_tandem.runtime.listen_queues import ListenQueue

PEERS = {"PEERS": {"SECRET": "0123456789abcdef0123456789abcdef"}}


def test_a_stack_has_the_fuller_of_its_queues() -> None:
    """An edge on another host fills that of its address, and one on the same host the other."""
    (process,) = plan(tandem=PEERS, roles="wsgi").processes
    (kind,) = process.kinds
    socket, address = kind.socket, Bind(host="0.0.0.0", port=9000)
    empty, filled = (ListenQueue(length=length, limit=65) for length in (0, 3))

    assert queues_of([kind], {address: filled, Path(socket): empty}) == {"wsgi": filled}
    assert queues_of([kind], {address: empty, Path(socket): filled}) == {"wsgi": filled}
    assert queues_of([kind], {Path(socket): empty}) == {"wsgi": empty}
    assert queues_of([kind], {}) == {}
