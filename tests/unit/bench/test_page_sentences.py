"""What the numbers come to is said in a sentence that a stranger understands."""

from bench.reports import (
    ASGI,
    HYBRID,
    LOTS,
    MIXED,
    ONLY_SOCKETS,
    WSGI,
    all_failed,
    measured,
    report,
    row,
    sockets,
    steady,
    whole,
)

from django_tandem.bench.measured import Described
from django_tandem.bench.page.sentences import sentences


def test_the_baseline_is_told_beside_each_of_the_others() -> None:
    """How many times the requests, how long the tail; what is nearly the same is the same."""
    assert sentences(report(whole()), LOTS) == (
        "Hybrid answers 5.3 times the requests of ASGI only "
        "and about as many requests as WSGI only.",
        "Its p99 is 48 ms; that of ASGI only is 8.2 times as long "
        "and that of WSGI only is about the same.",
    )


def test_of_many_others_the_first_and_the_last_are_told() -> None:
    """The sentence stays short."""
    others = [steady(f"no. {number}", 100 * number, 50) for number in range(1, 6)]
    first, _ = sentences(report([steady(HYBRID, 1000, 50), *others]), LOTS)

    assert first == (
        "Hybrid answers 10.0 times the requests of no. 1 and 2.0 times the requests of no. 5; "
        "the 3 others are between."
    )


def test_a_ratio_that_varies_is_told_with_its_bounds() -> None:
    """One that goes both ways is no difference."""
    rows = [
        row(HYBRID, measured(600, 50), measured(600, 50), measured(600, 50)),
        row(ASGI, measured(100, 100), measured(200, 40), measured(300, 50)),
    ]

    assert sentences(report(rows), LOTS) == (
        "Hybrid answers 3.0 (2.0 to 6.0) times the requests of ASGI only.",
        "Its p99 is 50 ms; that of ASGI only is about the same (0.80 to 2.0 times).",
    )


def test_websockets_alone_are_told_without_requests() -> None:
    """What was not asked for is not in the sentence."""
    rows = [
        row(HYBRID, measured(0, None, sockets=sockets(9)), workload=ONLY_SOCKETS),
        row(ASGI, measured(0, None, sockets=sockets(27)), workload=ONLY_SOCKETS),
    ]

    assert sentences(report(rows), ONLY_SOCKETS) == (
        "The WebSocket p99 of Hybrid is 9 ms; that of ASGI only is 3.0 times as long.",
    )


def test_who_has_no_websockets_is_not_compared_by_them() -> None:
    """Its requests are."""
    rows = [
        row(HYBRID, measured(700, 50, sockets=sockets(20)), workload=MIXED),
        row(WSGI, measured(350, 50), workload=MIXED),
    ]

    assert sentences(report(rows), MIXED) == (
        "Hybrid answers 2.0 times the requests of WSGI only.",
        "Its p99 is 50 ms; that of WSGI only is about the same.",
        "Its WebSocket p99 is 20 ms.",
    )


def test_with_nobody_to_compare_with_the_number_is_told() -> None:
    """As it is where all others failed."""
    rows = [steady(HYBRID, 702, 48), row(ASGI, all_failed())]

    assert sentences(report(rows), LOTS) == (
        "Hybrid answers 702 requests a second.",
        "Its p99 is 48 ms.",
    )


def test_a_baseline_without_numbers_is_told() -> None:
    """There is nothing that the others could be compared with."""
    rows = [row(HYBRID, all_failed("status 502")), *whole()[1:]]

    assert sentences(report(rows), LOTS) == (
        "Hybrid has no requests/s to compare the others with: no request was answered: status 502.",
    )


def test_websockets_that_the_baseline_could_not_open_are_told_last() -> None:
    """Its requests are compared all the same."""
    refused = sockets(None, opened=0, why=(("handshake answered 404", 50),))
    rows = [
        row(HYBRID, measured(700, 50, sockets=refused), workload=MIXED),
        row(ASGI, measured(350, 50, sockets=sockets(20)), workload=MIXED),
    ]

    assert sentences(report(rows), MIXED)[2] == (
        "It has no WebSocket p99 to compare the others with: "
        "no WebSocket could be opened: handshake answered 404."
    )


def test_a_title_is_said_as_it_is() -> None:
    """Braces in it are braces."""
    given = report(
        [row(HYBRID, measured(0, None, sockets=sockets(9)), workload=ONLY_SOCKETS)],
        topologies=(Described(name=HYBRID, title="{0} {x}", what=""),),
    )

    assert sentences(given, ONLY_SOCKETS) == ("The WebSocket p99 of {0} {x} is 9 ms.",)
