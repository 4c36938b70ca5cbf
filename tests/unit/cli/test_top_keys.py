"""The keys of `tandem top` choose the order, the filter and the rows."""

import pytest

from django_tandem.cli.top_keys import Sort, TopView, keys_in, ordered, press
from harness.monitored import LOTS, SOCKET, sample


def pressed(*keys: str) -> TopView:
    view = TopView()
    for key in keys:
        view = press(view, key)
    return view


@pytest.mark.parametrize(
    ("sent", "keys"),
    [
        ("r", ["r"]),
        ("/lö\r", ["/", "l", "ö", "enter"]),
        ("\x1b[A\x1bOB\x1b[5~\x1b[6~", ["up", "down", "page up", "page down"]),
        ("\x1b", ["escape"]),
        ("\x1b[A\x1b", ["up", "escape"]),
        ("\x7f\x03", ["backspace", "q"]),
        ("\x1b[200~", ["\x1b[200~"]),
    ],
)
def test_what_a_terminal_sends_is_read_as_keys(sent, keys) -> None:
    """A sequence is one key, also one without a meaning."""
    assert keys_in(sent) == keys


@pytest.mark.parametrize(("key", "first"), [("r", LOTS), ("p", "/reports/<int:year>/")])
def test_a_key_sorts_by_its_column(key, first) -> None:
    """The largest value comes first."""
    assert ordered(sample().routes, pressed(key))[0].route == first


def test_sockets_and_names_are_orders_too() -> None:
    """Names from A to Z."""
    assert ordered(sample().routes, pressed("s"))[0].route == SOCKET
    names = [each.route for each in ordered(sample().routes, pressed("n"))]
    assert names == sorted(names)


def test_no_two_keys_are_the_same() -> None:
    """Each order has a key that has no other meaning."""
    keys = [each.key for each in Sort]

    assert len(set(keys) | set("q/ ?hjk")) == len(keys) + len("q/ ?hjk")


def test_a_filter_is_a_part_of_the_route_or_its_stack() -> None:
    """Upper case does not matter; Esc removes the filter."""
    view = pressed("/", *"SHIPP", "x", "backspace", "enter")

    assert view.pattern == "SHIPP"
    assert [each.route for each in ordered(sample().routes, view)] == ["/api/shipping/<int:pk>/"]
    assert {each.stack for each in ordered(sample().routes, TopView(pattern="asgi"))} == {"asgi"}
    assert press(view, "escape").pattern == ""


def test_keys_edit_the_filter_while_it_is_typed() -> None:
    """A `q` in it does not quit, and an arrow is not a character."""
    view = pressed("/", "q", "up", "r")

    assert (view.pattern, view.has_ended, view.sort) == ("qr", False, Sort.BUSY)
    assert press(view, "clear").pattern == ""
    assert not press(view, "escape").is_typing


def test_q_quits_and_space_pauses() -> None:
    """A second space goes on."""
    assert pressed("q").has_ended
    assert pressed(" ").is_paused
    assert not pressed(" ", " ").is_paused


def test_a_key_closes_the_help() -> None:
    """It has no other effect, but `q` quits."""
    assert pressed("?").shows_help
    assert pressed("?", "r") == TopView()
    assert pressed("?", "q").has_ended


def test_arrows_scroll_the_routes() -> None:
    """Not above the first; another order begins at the first again."""
    assert pressed("down", "j", "page down", "up", "k").skipped == 10
    assert pressed("page down", "page up", "up").skipped == 0
    assert pressed("down", "home").skipped == 0
    assert pressed("down", "r").skipped == 0
