"""What was handed over is shown with the pin that avoids it."""

from django_tandem.cli.status_rows import handover_row
from django_tandem.inprocess.handover_counts import HandoverCount


def test_a_row_has_how_often_and_the_pin_to_write() -> None:
    """The pin is written as TANDEM["ROUTES"] takes it."""
    assert handover_row(HandoverCount(route="/feed/<int:pk>/", to="asgi", count=3, pin="feed")) == {
        "route": "/feed/<int:pk>/",
        "to": "asgi",
        "times": 3,
        "pin": '("feed", "asgi")',
    }
