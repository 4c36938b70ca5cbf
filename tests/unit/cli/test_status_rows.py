"""What was handed over is shown with the pin that avoids it."""

from builders import block
from django_tandem.cli.status_rows import block_lines, handover_row
from django_tandem.inprocess.handover_counts import HandoverCount


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
    assert block_lines([block("^/ws/", target="/ws/<str:room>/")]) == [
        "",
        '"/ws/<str:room>/" has been blocked with 503 for 0 s; '
        "`tandem unblock '/ws/<str:room>/'` serves it again.",
    ]
