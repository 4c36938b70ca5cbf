"""What a loaded project leaves behind is named as its author knows it."""

import socket
import subprocess
import sys
import threading
import time

import pytest

from django_tandem.inprocess.prefork import describe_socket, describe_thread


class Poller(threading.Thread):
    """A thread by a class, as some libraries have them."""


def poll():
    """A thread by a function."""


@pytest.mark.parametrize(
    ("thread", "text"),
    [
        (threading.Thread(target=poll, name="p"), f'the thread "p" of {__name__}'),
        (Poller(name="p"), f'the thread "p" of {__name__}'),
        (threading.Thread(target=time.sleep, name="p"), 'the thread "p"'),
        (threading.Thread(name="p"), 'the thread "p"'),
        (threading.Timer(1, poll), 'the thread "Thread-'),
    ],
)
def test_a_thread_is_named_with_the_module_of_its_code(thread, text) -> None:
    """Unless that is Python's own."""
    assert describe_thread(thread).startswith(text)


def test_a_socket_is_named_by_its_address(tmp_path) -> None:
    """The peer's, or the one that it is bound to."""
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as client,
        socket.socket(socket.AF_UNIX) as unix,
        socket.socketpair()[0] as pair,
    ):
        unix.bind(str(tmp_path / "s"))
        port = listener.getsockname()[1]

        assert describe_socket(listener.fileno()) == f"a socket bound to 127.0.0.1:{port}"
        assert describe_socket(client.fileno()) == f"a socket connected to 127.0.0.1:{port}"
        assert describe_socket(unix.fileno()) == f"a socket bound to {tmp_path}/s"
        assert describe_socket(pair.fileno()) == "a socket"


# A socket that nothing refers to, but itself in a cycle, which only a collection closes.
GARBAGE = """
import gc, socket
from django_tandem.inprocess import prefork

class Client:
    def __init__(self):
        self.socket, self.itself = socket.socketpair()[0], self

gc.collect()
collections = gc.get_stats()[2]["collections"]
if {is_left}:
    Client()
print(prefork.is_forkable(), gc.get_stats()[2]["collections"] - collections)
"""


@pytest.mark.processes
@pytest.mark.parametrize(("is_left", "collections"), [(True, "1"), (False, "0")])
def test_garbage_is_collected_only_where_it_may_be_the_obstacle(is_left, collections) -> None:
    """A socket that the import has let go of does not keep the workers from sharing it."""
    done = subprocess.run(
        [sys.executable, "-c", GARBAGE.format(is_left=is_left)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )

    assert done.stdout.split() == ["True", collections]
