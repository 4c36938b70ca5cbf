"""What is sent to an event stream must be able to leave its process."""

import pytest
from checks.saying import told

from builders import verdict, websocket
from django_tandem.checks.events import events_leave_their_process
from django_tandem.checks.facts import Facts
from django_tandem.model import Stack

ON_WSGI = (verdict("/buy/"), verdict("/events/", Stack.ASGI))


@pytest.mark.parametrize(
    ("senders", "said"),
    [
        ((), "send_event()"),
        (("shop.signals", "shop.views"), "send_event() of shop.signals, shop.views"),
    ],
)
def test_events_that_stay_in_their_process_are_an_error(senders, said) -> None:
    """They would be lost without a word; who sends them is named, where it is known."""
    facts = Facts(events_in_process=True, event_senders=senders, verdicts=ON_WSGI)

    assert told(events_leave_their_process(facts)) == [
        (
            "tandem.E010",
            "EVENTSTREAM_REDIS",
            f"EVENTSTREAM_REDIS is not set, so {said} reaches the clients of its own process "
            "only: what a view on WSGI sends never arrives at an event stream on ASGI.",
            'Set it, say to {"host": "127.0.0.1"}, where a Redis or Valkey runs.',
        )
    ]


def test_events_that_are_carried_and_projects_all_on_asgi_are_fine() -> None:
    """Without a view on WSGI there is nobody there to send them."""
    on_asgi = (verdict("/events/", Stack.ASGI), websocket("/ws/"))

    assert events_leave_their_process(Facts(verdicts=ON_WSGI)) == []
    assert events_leave_their_process(Facts(events_in_process=True, verdicts=on_asgi)) == []
