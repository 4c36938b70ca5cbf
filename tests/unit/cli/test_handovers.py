"""What was handed over is shown with the pin that would save the trip."""

import pytest

from django_tandem.cli.handovers import plain_prefix, row
from django_tandem.inprocess.handover_counts import HandoverCount


@pytest.mark.parametrize(
    ("route", "prefix"),
    [
        ("/feed/", "/feed/"),
        ("/lots/<int:pk>/bids/", "/lots/"),
        ("/^old/(?P<x>.*)$", "/"),
        ("/a/b<slug:x>/", "/a/"),
        ("/", "/"),
    ],
)
def test_the_pin_covers_whole_segments_that_are_plain_text(route, prefix) -> None:
    """A pin is a prefix, so what a pattern may vary is left out."""
    assert plain_prefix(route) == prefix


def test_a_row_says_how_often_and_what_to_do() -> None:
    """The pin is written as TANDEM["ROUTES"] takes it."""
    assert row(HandoverCount(route="/feed/", to="asgi", count=3)) == {
        "route": "/feed/",
        "to": "asgi",
        "times": 3,
        "pin": '("/feed/", "asgi")',
    }
