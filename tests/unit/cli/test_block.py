"""What `tandem block` reads from its options, and refuses."""

import argparse

import pytest

from builders import verdict, websocket
from django_tandem.cli import block as command
from django_tandem.errors import RefusedError

ROUTES = [verdict("/feed/", name="feed").route, websocket("/ws/").route]


def parsed(*arguments: str) -> argparse.Namespace:
    """Return the options of a command line."""
    parser = argparse.ArgumentParser(exit_on_error=False)
    command.add_arguments(parser)
    return parser.parse_args(arguments)


def test_without_options_it_is_503_and_1013_within_the_drain() -> None:
    """As a server that is overloaded answers and closes."""
    found = command._read_block(parsed("/ws/"), 30, ROUTES)

    assert (found.target, found.status, found.close, found.window_s) == ("/ws/", 503, 1013, 30)


def test_each_option_takes_precedence() -> None:
    """Also a window of no time."""
    options = parsed("/ws/", "--status", "410", "--close", "4001", "--drain", "0")
    found = command._read_block(options, 30, ROUTES)

    assert (found.status, found.close, found.window_s) == (410, 4001, 0)


@pytest.mark.parametrize("status", ["200", "302", "99", "600", "x"])
def test_a_status_says_that_the_request_was_not_served(status) -> None:
    """Or is the one at which EventSource stops."""
    with pytest.raises(argparse.ArgumentError) as caught:
        parsed("/", "--status", status)

    assert str(caught.value) == (
        f'argument --status: Expected 204 or a status from 400 on, got "{status}".'
    )


@pytest.mark.parametrize("code", ["1005", "1006", "1015", "2000", "5000", "x"])
def test_a_close_code_is_one_that_a_server_may_send(code) -> None:
    """The others are reserved."""
    with pytest.raises(argparse.ArgumentError) as caught:
        parsed("/", "--close", code)

    assert str(caught.value) == (
        "argument --close: Expected a close code such as 1013, or one from 3000 to 4999, got "
        f'"{code}".'
    )


def test_a_close_code_is_for_websockets() -> None:
    """A path without a known route may have some."""
    with pytest.raises(RefusedError) as caught:
        command._read_block(parsed("feed", "--close", "1013"), 30, ROUTES)

    assert str(caught.value) == (
        '"feed" has no WebSocket that `--close` could close.\n'
        "  Leave it out, or block a route of a WebSocket."
    )
    assert command._read_block(parsed("/none/", "--close", "1013"), 30, ROUTES).close == 1013


def test_it_prints_what_is_blocked() -> None:
    """With what happens to open connections."""
    found = command._read_block(parsed("/ws/"), 30, ROUTES)

    assert command._done(found, [ROUTES[1]]) == (
        'Blocked "/ws/" (0 routes and 1 WebSocket) with 503; open WebSockets and event streams '
        "end within 30 s, WebSockets with 1013."
    )
    assert command._done(found, []) == (
        'Blocked "/ws/" (no known route) with 503; open WebSockets and event streams end within '
        "30 s."
    )


def test_a_block_that_matches_no_route_names_the_closest() -> None:
    """It may be a mistyped path, or one that a later deploy serves."""
    assert command._no_match("/fed/", ROUTES) == 'It matches no route. Did you mean "/feed/"?'
    assert command._no_match("/nothing/", ROUTES) == "It matches no route."
