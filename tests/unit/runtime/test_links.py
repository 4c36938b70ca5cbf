"""New connections reach the live generation by links, which are replaced and never missing."""

from pathlib import Path

import pytest

from builders import plan, websocket
from django_tandem.model.state import planned_state
from django_tandem.runtime.links import add_links, are_bound, linked_sockets, move_links


@pytest.fixture
def state():
    """Return a function that makes the state of a generation of both stacks."""
    return lambda generation: planned_state(plan(websocket("/ws/"), generation=generation))


def test_a_link_is_moved_to_the_live_generation(tmp_path, state) -> None:
    """One that leads there already is left alone."""
    move_links(state(1), tmp_path)
    before = (tmp_path / "wsgi.sock").lstat().st_ino
    move_links(state(1), tmp_path)
    assert (tmp_path / "wsgi.sock").lstat().st_ino == before

    move_links(state(2), tmp_path)

    assert linked_sockets(tmp_path) == {"wsgi-2", "asgi-2"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["asgi.sock", "wsgi.sock"]


def test_a_missing_link_is_added_and_none_is_moved(tmp_path, state) -> None:
    """Before NGINX reads a file that names it."""
    (tmp_path / "wsgi.sock").symlink_to("wsgi-1.sock")

    add_links(state(2), tmp_path)

    assert (tmp_path / "wsgi.sock").readlink() == Path("wsgi-1.sock")
    assert (tmp_path / "asgi.sock").readlink() == Path("asgi-2.sock")


def test_the_sockets_are_bound_once_each_exists(tmp_path, state) -> None:
    """A link whose socket is missing leads nowhere."""
    move_links(state(1), tmp_path)
    (tmp_path / "wsgi-1.sock").touch()
    assert not are_bound(tmp_path)

    (tmp_path / "asgi-1.sock").touch()
    assert are_bound(tmp_path)
