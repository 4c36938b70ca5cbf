"""The history has rates and routes; the log beside it has examples of their URLs."""

from bench.replay.test_recording import logged

from django_tandem.bench.replay.history import examples_of, from_history
from django_tandem.bench.workload import Replay
from django_tandem.monitor.minutes import EDGE_FILES, RouteMinute

LOT = "/lots/<int:number>/"


def _minute(minute: int, route: str, requests: int, **changes) -> RouteMinute:
    statuses = {200: requests - 1, 500: 1} if requests > 1 else {200: requests}
    return RouteMinute(minute=minute, route=route, stack="wsgi", statuses=statuses, **changes)


def _replay(*records: RouteMinute, examples=None) -> Replay:
    return from_history(records, "history.sqlite3", 60, examples or {})


def test_the_busiest_minute_is_replayed_at_its_rates() -> None:
    """Ten minutes that are one record are busy by their average."""
    replay = _replay(
        _minute(1, "/a/", 40),
        _minute(2, "/a/", 50),
        _minute(2, "/b/", 10),
        _minute(10, "/a/", 100, minutes=10),
    )

    assert (replay.began, replay.span_s) == (120, 60)
    routes = [each.route for each in replay.requests]
    assert (routes.count("/a/"), routes.count("/b/")) == (50, 10)
    times = [each.at_s for each in replay.requests]
    assert times == sorted(times)
    assert 0 <= times[0] < times[-1] < 60
    assert {each.status for each in replay.requests} == {200}


def test_a_route_with_parameters_is_sent_to_the_urls_of_the_log() -> None:
    """Both stacks of it count."""
    other = RouteMinute(minute=1, route=LOT, stack="asgi", statuses={200: 5})
    examples = {LOT: [("GET", "/lots/1/"), ("HEAD", "/lots/2/?a=b")]}
    replay = _replay(_minute(1, LOT, 20), other, examples=examples)

    assert len(replay.requests) == 25
    assert {(each.method, each.target) for each in replay.requests} == set(examples[LOT])


def test_a_route_without_an_example_is_named_with_its_requests() -> None:
    """A route without a parameter is its own."""
    replay = _replay(_minute(1, LOT, 30), _minute(1, "/lots/", 10))

    assert {each.target for each in replay.requests} == {"/lots/"}
    assert replay.left_out == ((f"requests of {LOT}, of which the log has no URL", 30),)


def test_streams_and_files_have_no_rate() -> None:
    """A replay would not end the former."""
    replay = _replay(_minute(1, "/events/", 5, is_long=True), _minute(1, EDGE_FILES, 900))

    assert replay == Replay(source="history.sqlite3")


def test_two_replays_of_one_history_are_the_same() -> None:
    """So that two sessions can be compared."""
    assert _replay(_minute(1, "/a/", 40)) == _replay(_minute(1, "/a/", 40))


def test_the_examples_are_the_latest_of_the_allowed_methods() -> None:
    """Each once, by the route of the log or else of the target."""
    found = examples_of(
        [
            logged(1, "/lots/1/", route=LOT),
            logged(2, "/lots/2/", route=LOT),
            logged(3, "/lots/1/", route=LOT),
            logged(4, "/lots/3/", route=LOT, method="POST"),
            logged(5, "/b/"),
            logged(6, "*"),
        ],
        ("GET",),
        lambda target: f"route of {target}",
    )

    assert found == {
        LOT: [("GET", "/lots/1/"), ("GET", "/lots/2/")],
        "route of /b/": [("GET", "/b/")],
    }
