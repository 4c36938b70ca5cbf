"""What was handed over is shown with the pin that avoids it."""

import time

from django_tandem.cli.status_rows import block_lines, handover_row
from django_tandem.inprocess.handover_counts import HandoverCount
from django_tandem.model import Block


def test_a_row_has_how_often_and_the_pin_to_write() -> None:
    """The pin is written as TANDEM["ROUTES"] takes it."""
    assert handover_row(HandoverCount(route="/feed/<int:pk>/", to="asgi", count=3, pin="feed")) == {
        "route": "/feed/<int:pk>/",
        "to": "asgi",
        "times": 3,
        "pin": '("feed", "asgi")',
    }


def test_the_command_that_unblocks_is_quoted_for_a_shell() -> None:
    """A pattern of a route has angle brackets."""
    block = Block(
        target="/ws/<str:room>/", status=503, close=1013, window_s=30, since_s=time.time(), rules=()
    )

    assert block_lines([block]) == [
        "",
        '"/ws/<str:room>/" has been blocked with 503 for 0 s; '
        "`tandem unblock '/ws/<str:room>/'` serves it again.",
    ]
