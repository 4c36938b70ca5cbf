"""The rows of routes that were handed over or blocked, and of ASGI handlers."""

from builders import block
from django_tandem.cli.status_rows import (
    HandlerRow,
    block_lines,
    handler_lines,
    handler_rows,
    handover_row,
)
from django_tandem.inprocess.handover_counts import HandoverCount
from django_tandem.model.scoreboard import Mailboxes, Threads, WorkerSlot

BUSY = {"size": 6, "idle": 1, "queued": 3, "overflow": 2, "rejected": 4}


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


def slot(**changes) -> WorkerSlot:
    known = {"pid": 7, "stack": "asgi", "generation": 3, "started_at": 0.0, "handler": "django"}
    return WorkerSlot(**{**known, **changes})


def test_each_asgi_process_has_a_row_with_its_threads_and_connections() -> None:
    """Those of all routes together; a WSGI process has none."""
    asgi = slot(
        threads=Threads(**BUSY),
        websockets={"/a/": 1, "/b/": 2},
        streams={"/c/": 4},
        refused=5,
        mailboxes=Mailboxes(longest=6, dropped=7, closed=8),
    )

    assert handler_rows([asgi, slot(pid=8, stack="wsgi")]) == (
        HandlerRow(
            pid=7,
            generation=3,
            handler="django",
            **BUSY,
            websockets=3,
            streams=4,
            refused=5,
            mailbox_longest=6,
            mailbox_dropped=7,
            slow_clients=8,
        ),
    )


def test_before_a_request_has_used_a_thread_there_is_none() -> None:
    """Or Django's own handler serves."""
    assert handler_rows([slot()]) == (HandlerRow(pid=7, generation=3, handler="django"),)


def test_another_sentence_adds_up_their_connections() -> None:
    """Those that are open, and those that were refused."""
    first = HandlerRow(pid=1, generation=3, handler="django", websockets=1, refused=4)
    second = HandlerRow(pid=2, generation=3, handler="django", streams=2)

    assert handler_lines([first, second])[2:] == [
        "Generation 3 has 1 WebSocket and 2 event streams open, and has rejected 4."
    ]


def test_slow_clients_have_a_sentence() -> None:
    """Once there was one; it adds up what happened to them."""
    first = HandlerRow(pid=1, generation=3, handler="django", slow_clients=1)
    second = HandlerRow(pid=2, generation=3, handler="django", mailbox_dropped=7)

    assert handler_lines([first, second])[3:] == [
        "Slow clients: 1 WebSocket closed with 1013, and 7 messages dropped."
    ]


def test_a_sentence_adds_up_the_processes_of_a_generation() -> None:
    """And names Django's handler where that serves."""
    ours = HandlerRow(pid=1, generation=3, handler="django-tandem", **BUSY)
    djangos = HandlerRow(pid=2, generation=2, handler="django")

    assert handler_lines([ours, ours, djangos]) == [
        "",
        "The ASGI handler of generation 2 is Django's own.",
        "Generation 2 has 0 WebSockets and 0 event streams open, and has rejected 0.",
        "The ASGI handler of generation 3 is django-tandem's: 12 threads (2 idle), "
        "4 overflow threads, 6 requests queued and 8 rejected.",
        "Generation 3 has 0 WebSockets and 0 event streams open, and has rejected 0.",
    ]
    assert handler_lines([]) == []
