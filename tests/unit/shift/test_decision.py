"""The decision of a shift, from counts of both sides alone."""

import random

import pytest

from builders import sample, shift
from django_tandem.model import Stack
from django_tandem.shift.decision import Action, decide, fisher
from django_tandem.shift.samples import Sides

NOW = 1000.0


def side(count, *, is_trial=False, first=0, **changes):
    return tuple(
        sample(is_trial=is_trial, client=f"{is_trial}{first + number}", **changes)
        for number in range(count)
    )


def trial(count, **changes):
    return side(count, is_trial=True, **changes)


def judge(at_home, on_trial, *, left_home=(), left_trial=(), **changes):
    sides = Sides(home=at_home, trial=on_trial, left_home=left_home, left_trial=left_trial)
    return decide(shift(**changes), sides, NOW)


def test_a_step_waits_for_enough_requests_of_both_sides() -> None:
    """The reason names the side without them."""
    few_on_trial = judge(side(50), trial(49), step_began_s=0)
    few_at_home = judge(side(49), trial(50), step_began_s=0)

    assert few_on_trial.action is few_at_home.action is Action.WAIT
    assert few_on_trial.reason == "ASGI has had 49 of 50 requests."
    assert few_at_home.reason == "WSGI has had 49 of 50 requests."


def test_a_step_takes_its_time() -> None:
    """Also with enough requests."""
    early = judge(side(50), trial(50), step_began_s=NOW - 599)
    late = judge(side(50), trial(50), step_began_s=NOW - 600)

    assert (early.action, early.reason) == (Action.WAIT, "Both sides are alike so far.")
    assert late.action is Action.GO_ON


def test_the_last_step_needs_requests_at_home_too() -> None:
    """Those of the step before: without any, nothing was compared."""
    alone = judge((), trial(50), steps=(100,), step_began_s=0)
    compared = judge(side(50), trial(50), steps=(100,), step_began_s=0)

    assert (alone.action, compared.action) == (Action.WAIT, Action.GO_ON)
    assert alone.reason == (
        "WSGI has had 0 of 50 requests to compare with, and gets no more at 100 %."
    )


def test_a_route_that_fails_is_rolled_back_within_four_requests() -> None:
    """With twenty at home that did not fail; three might be a chance."""
    failed = {"is_failed": True, "status": 500}
    three = judge(side(20), trial(3, **failed))
    four = judge(side(20), trial(4, request_id="abc", exception="AttributeError", **failed))

    assert three.action is Action.WAIT
    assert four.action is Action.ROLL_BACK
    assert four.reason == (
        "4 of 4 requests failed on ASGI, with 500 (AttributeError), and 0 of 20 on WSGI."
    )
    assert four.requests == ("abc",) * 4
    assert four.exceptions == ("AttributeError",)


def test_ten_failures_are_enough_with_nobody_at_home() -> None:
    """A route whose requests are few, or a share of 100 %."""
    failed = {"is_failed": True, "status": 502, "first_byte_s": None}

    assert judge((), trial(9, **failed)).action is Action.WAIT
    found = judge((), trial(10, **failed))
    assert found.action is Action.ROLL_BACK
    assert found.reason == "10 of 10 requests failed on ASGI, with 502, and 0 of 0 on WSGI."


def mixed(count, failing, *, is_trial=False, **changes):
    """Requests of which every ``failing``-th fails."""
    return tuple(
        sample(
            at=float(number),
            is_trial=is_trial,
            **({"is_failed": True, "status": 503, **changes} if number % failing == 0 else {}),
        )
        for number in range(count)
    )


def test_a_route_that_fails_on_both_sides_alike_stays() -> None:
    """The shift is not the reason; also where both begin to fail, as without their database."""
    outage = {"is_failed": True, "status": 500, "at": 2000.0}
    mixed_home, mixed_trial = mixed(100, 3), mixed(100, 3, is_trial=True)

    assert judge(mixed_home, mixed_trial, step_began_s=0).action is Action.GO_ON
    down_home, down_trial = side(100, **outage), trial(20, **outage)
    found = judge((*side(100), *down_home), (*trial(100), *down_trial), step_began_s=0)
    assert found.action is Action.GO_ON


def test_a_route_that_mostly_fails_at_home_is_not_compared() -> None:
    """A shift to 100 % would end with a pin that nothing has shown to be right."""
    failed = {"is_failed": True, "status": 500}
    half, found = (
        judge(
            (*side(count, **failed), *side(100 - count)),
            (*trial(count, **failed), *trial(100 - count)),
            step_began_s=0,
        )
        for count in (50, 51)
    )

    assert half.action is Action.GO_ON
    assert found.action is Action.WAIT
    assert found.reason == (
        "51 of 100 requests failed on WSGI itself, so they show nothing of the other stack."
    )


def test_one_request_in_five_that_fails_is_rolled_back_before_twenty_have_failed() -> None:
    """A partial failure takes a few more."""
    home, on_trial = side(400), ()
    for number in range(100):
        is_failed = number % 5 == 0
        on_trial += trial(1, first=number, is_failed=is_failed, status=500 if is_failed else 200)
        if judge(home, on_trial).action is Action.ROLL_BACK:
            break

    assert sum(each.is_failed for each in on_trial) <= 5


@pytest.mark.parametrize("at_home", [100, 1000])
def test_a_route_that_begins_to_fail_is_rolled_back_as_soon(at_home) -> None:
    """What it has served so far does not outweigh that, also where all clients are on trial."""
    on_trial = trial(2000)
    for number in range(20):
        on_trial += trial(1, first=2000 + number, is_failed=True, status=500)
        if judge(side(at_home), on_trial).action is Action.ROLL_BACK:
            break

    assert sum(each.is_failed for each in on_trial) <= 10


def test_an_exception_that_only_the_trial_raises_is_named() -> None:
    """Also where as many requests fail at home, by another one."""
    on_trial = mixed(96, 8, is_trial=True, exception="SynchronousOnlyOperation")
    found = judge(mixed(96, 8, exception="OSError"), on_trial)

    assert found.action is Action.ROLL_BACK
    assert found.reason == (
        "SynchronousOnlyOperation was raised by 12 of 96 requests on ASGI, and by none of 96 on "
        "WSGI."
    )
    assert found.exceptions == ("SynchronousOnlyOperation",)


def test_a_route_three_times_as_slow_is_rolled_back_within_fourteen_requests() -> None:
    """Its times may vary, and the first ten may have found cold workers."""
    chance = random.Random(1)
    home = tuple(sample(first_byte_s=0.1 * chance.uniform(0.8, 1.2)) for _ in range(30))
    on_trial = tuple(
        sample(is_trial=True, first_byte_s=0.3 * chance.uniform(0.8, 1.2)) for _ in range(14)
    )
    found = judge(home, on_trial)

    assert found.action is Action.ROLL_BACK
    assert found.reason.startswith("The p50 is ")
    assert found.reason.endswith(" on WSGI: more than 25% above it.")


def test_the_first_requests_on_trial_may_find_cold_workers() -> None:
    """Each compiles its templates and connects to the database, as those at home have before."""
    home = side(60, first_byte_s=0.02)
    cold, warm = trial(10, first_byte_s=0.2), trial(40, first=10, first_byte_s=0.02)
    on_trial = (*cold, *warm)

    assert all(
        judge(home, on_trial[:count]).action is Action.WAIT for count in range(len(on_trial) + 1)
    )


def test_a_client_whose_requests_fail_on_both_stacks_is_no_difference() -> None:
    """It is on one side alone, with each shift of the route."""
    failed = {"is_failed": True, "status": 500, "exception": "ValueError"}
    both = trial(20, fails_at_home=True, **failed)

    assert judge(side(200), (*both, *trial(180)), step_began_s=0).action is Action.GO_ON
    few = judge(side(200), (*both, *trial(49)), step_began_s=0)
    assert few.action is Action.WAIT
    assert few.reason == "ASGI has had 49 of 50 requests, besides 20 that failed on both stacks."
    assert judge(side(200), (*trial(10, **failed), *trial(180))).action is Action.ROLL_BACK


def test_at_100_percent_the_contents_are_not_compared_with_older_ones() -> None:
    """A list has grown since, or names the seconds until midnight."""
    home = side(50, size=1000, shape="200|text/html||max-age=900|||||")
    on_trial = trial(50, size=1100, shape="200|text/html||max-age=300|||||")
    last = {"steps": (50, 100), "step_began_s": 0}

    assert judge(home, on_trial, **last, step=0).action is Action.ROLL_BACK
    assert judge(home, on_trial, **last, step=1).action is Action.GO_ON


def test_a_slow_tail_is_the_p95() -> None:
    """Where the median is the same."""
    home = tuple(sample(first_byte_s=0.1) for _ in range(200))
    on_trial = tuple(
        sample(is_trial=True, first_byte_s=1.0 if number % 5 == 0 else 0.1) for number in range(100)
    )
    found = judge(home, on_trial)

    assert found.reason == (
        "The p95 is 1000 ms on ASGI, and 100 ms on WSGI: more than 25% above it."
    )


def test_a_view_that_hangs_on_trial_is_rolled_back_though_all_its_clients_leave() -> None:
    """Each of them has waited for longer than a client at home does."""
    left = trial(4, has_left=True, first_byte_s=None, took_s=5.0, request_id="abc")
    found = judge(side(30), (), left_trial=left)

    assert found.action is Action.ROLL_BACK
    assert found.reason == (
        "The p50 is at least 5000 ms on ASGI, and 100 ms on WSGI: more than 25% above it."
    )
    assert found.requests == ("abc",) * 4


def test_a_view_that_hangs_in_some_requests_is_rolled_back_though_their_clients_leave() -> None:
    """Those are too few for the p95, and no request fails while nobody waits for the 504."""
    home = (*side(1900), *side(100, first=1900, first_byte_s=1.0))
    left = trial(4, has_left=True, first_byte_s=None, took_s=5.0, request_id="abc")
    found = judge(home, trial(100), left_trial=left)

    assert found.action is Action.ROLL_BACK
    assert found.reason == (
        "4 of 104 clients left without a response of ASGI, after at least 5000 ms, and 0 of 2000 "
        "as late on WSGI, whose p95 is 100 ms."
    )
    assert found.requests == ("abc",) * 4


def test_clients_that_leave_early_or_on_both_sides_show_no_difference() -> None:
    """As those of a search field, which asks again with each letter."""
    early = {"has_left": True, "first_byte_s": None, "took_s": 0.05}
    late = {**early, "took_s": 5.0}

    assert judge(side(30), (), left_trial=trial(50, **early)).action is Action.WAIT
    both = judge(side(30), trial(30), left_home=side(30, **late), left_trial=trial(30, **late))
    assert both.action is Action.WAIT
    many = judge(side(1000), trial(100), left_home=side(40, **late), left_trial=trial(4, **late))
    assert many.action is Action.WAIT
    some = judge(side(1000), trial(100), left_trial=trial(4, **early))
    assert some.action is Action.WAIT


def test_within_the_tolerance_a_slower_side_stays() -> None:
    """A quarter by default, and a difference of milliseconds matters to nobody."""
    home = tuple(sample(first_byte_s=0.1) for _ in range(100))
    on_trial = tuple(sample(is_trial=True, first_byte_s=0.12) for _ in range(100))
    short = tuple(sample(first_byte_s=0.001) for _ in range(100))
    longer = tuple(sample(is_trial=True, first_byte_s=0.008) for _ in range(100))

    assert judge(home, on_trial, step_began_s=0).action is Action.GO_ON
    assert judge(short, longer, step_began_s=0).action is Action.GO_ON
    assert judge(home, on_trial, tolerance=0.05).action is Action.ROLL_BACK


@pytest.mark.parametrize("seed", range(20))
def test_two_sides_that_are_alike_are_not_rolled_back(seed) -> None:
    """Though the decision is made anew with each request; times are those of real services."""
    chance = random.Random(seed)
    home, on_trial = [], []
    actions = set()
    for number in range(600):
        is_failed = chance.random() < 0.02
        new = sample(
            is_trial=chance.random() < 0.25,
            first_byte_s=chance.lognormvariate(-2.5, 0.8),
            is_failed=is_failed,
            status=500 if is_failed else 200,
            size=int(chance.lognormvariate(7, 1)),
            client=str(chance.randrange(200)),
            path=f"/items/{chance.randrange(30)}/",
            shape=chance.choice(["200|text/html|||", "200|text/html|||", "302||||"]),
        )
        (on_trial if new.is_trial else home).append(new)
        if number % 5 == 0:
            actions.add(judge(tuple(home), tuple(on_trial)).action)

    assert Action.ROLL_BACK not in actions


def test_another_body_is_found_by_its_length() -> None:
    """Of the same path: each path has its own."""
    home = (*side(20, path="/a/", size=200), *side(20, path="/b/", size=900))
    same = (*trial(8, path="/a/", size=201), *trial(8, path="/b/", size=899))
    found = judge(home, trial(8, path="/a/", size=900))

    assert judge(home, same).action is Action.WAIT
    assert found.action is Action.ROLL_BACK
    assert found.reason == (
        "8 of 8 clients got a body of another length on ASGI: that of /a/ has 900 bytes, and 200 "
        "on WSGI."
    )


def test_one_client_with_a_body_of_its_own_is_not_many() -> None:
    """A client keeps its side, so that its own data are on that side alone."""
    home = side(40, size=200)
    on_trial = tuple(sample(is_trial=True, client="one", size=9000) for _ in range(40))

    assert judge(home, on_trial).action is Action.WAIT


def test_another_shape_names_its_parts() -> None:
    """The status, the content type and the headers that a response has."""
    home = side(30, shape="200|text/html||max-age=60|Cookie|set_cookie||||")
    found = judge(home, trial(9, shape="404|text/html||max-age=60|Cookie|||||"))

    assert found.action is Action.ROLL_BACK
    assert found.reason == (
        "9 of 9 clients got a response on ASGI that none of 30 got on WSGI: status 404 instead of "
        "200, Set-Cookie none instead of set_cookie."
    )


def test_a_shift_to_wsgi_names_the_stacks_the_other_way_round() -> None:
    """The home stack is ASGI then."""
    found = judge(side(0), trial(3), to=Stack.WSGI, home=Stack.ASGI)

    assert found.reason == "WSGI has had 3 of 50 requests."


def test_the_test_is_fishers() -> None:
    """Of four of eight cups of tea, with all right: 1 in 70."""
    assert fisher(4, 4, 0, 4) == pytest.approx(1 / 70)
    assert fisher(3, 4, 1, 4) == pytest.approx(17 / 70)
