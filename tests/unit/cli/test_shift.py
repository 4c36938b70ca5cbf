"""`tandem shift`: its options, and what it prints of the shifts in a run directory."""

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from cli.json_page import documented_keys
from runtime.test_mirrored import RUN

from builders import plan, shift, verdict
from django_tandem.cli import argument_types, main, shift_actions
from django_tandem.cli import shift as shift_command
from django_tandem.errors import ProjectError, RefusedError, TandemError
from django_tandem.model import Stack
from django_tandem.model.shifts import ShiftState, SideFigures
from django_tandem.runtime import mirrored, shifts, supervisord


@pytest.fixture
def run_dir(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    tmp_path.chmod(0o700)
    return tmp_path


def write(run_dir: Path, *given) -> None:
    with shifts.changing(run_dir) as kept:
        kept[:] = given


def ran(run_dir: Path, capsys, *arguments: str) -> tuple[int, str, str]:
    code = main(["shift", *arguments, "--run-dir", str(run_dir)])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def test_the_status_has_the_figures_of_both_sides(run_dir, capsys) -> None:
    """And the reason why it stands where it does."""
    write(
        run_dir,
        shift(
            reason="Both sides are alike so far.",
            on_trial=SideFigures(requests=1, p50_s=0.1049, p95_s=0.131, p50_bytes=58),
            at_home=SideFigures(requests=90, failed=2),
        ),
    )

    assert ran(run_dir, capsys, "--status") == (
        0,
        "/reports/ to ASGI: running, 5 % of its clients, step 1 of 3. Both sides are alike so far."
        "\n"
        "  ASGI: 1 request, 0 failed, p50 105 ms, p95 131 ms, 58 bytes\n"
        "  WSGI: 90 requests, 2 failed\n"
        "The stack is stopped, and splits the requests again once it starts.\n",
        "",
    )


def test_the_status_of_one_that_was_rolled_back_names_requests(run_dir, capsys) -> None:
    """By which their lines in the logs are found."""
    reason = "4 of 4 requests failed on ASGI, with 500, and 0 of 30 on WSGI."
    write(
        run_dir,
        shift(requests=("a", "b")).end(ShiftState.ROLLED_BACK, reason, time.time()),
    )

    assert ran(run_dir, capsys, "--status")[1].splitlines() == [
        f"/reports/ to ASGI: rolled back, 0 % of its clients. {reason}",
        "  ASGI: 0 requests, 0 failed",
        "  WSGI: 0 requests, 0 failed",
        "  Requests that show it: a, b",
    ]


def test_the_status_of_one_that_is_done_says_what_to_do(run_dir, capsys) -> None:
    """The project is to say it itself."""
    write(run_dir, shift(step=2, state=ShiftState.DONE))

    assert ran(run_dir, capsys, "--status")[1].splitlines()[3] == (
        '  Pin it in TANDEM["ROUTES"], or mark its view @on_asgi, and reload: '
        "`tandem shift '/reports/' --write` writes the pin."
    )


def test_the_status_has_why_a_step_began_anew(run_dir, capsys) -> None:
    """Beside what it waits for."""
    write(run_dir, shift(reason="ASGI has had 0 of 50 requests.", step_note="A reload did it."))

    assert ran(run_dir, capsys, "--status")[1].splitlines()[:2] == [
        "/reports/ to ASGI: running, 5 % of its clients, step 1 of 3. "
        "ASGI has had 0 of 50 requests.",
        "  A reload did it.",
    ]


def test_a_shift_that_ended_a_day_ago_is_shown_on_request(run_dir, capsys) -> None:
    """With all others, or by its route; the JSON has it always."""
    write(
        run_dir,
        shift(route="/old/").end(ShiftState.ABORTED, "It is old.", time.time() - 90_000),
        shift(route="/new/").end(ShiftState.ABORTED, "It is new.", time.time()),
    )
    new, old = (
        f"/{age}/ to ASGI: aborted, 0 % of its clients. It is {age}.\n"
        "  ASGI: 0 requests, 0 failed\n  WSGI: 0 requests, 0 failed\n"
        for age in ("new", "old")
    )

    assert ran(run_dir, capsys, "--status") == (
        0,
        f"{new}1 shift ended more than a day ago: `tandem shift --status --all` shows all.\n",
        "",
    )
    assert ran(run_dir, capsys, "--status", "--all")[1] == f"{old}{new}"
    assert ran(run_dir, capsys, "/old/", "--status")[1] == old
    assert len(json.loads(ran(run_dir, capsys, "--status", "--json")[1])) == 2


def test_a_mirror_that_ended_a_day_ago_is_shown_on_request(run_dir, capsys) -> None:
    """As a shift is."""
    mirrored.write(run_dir, replace(RUN, ended_s=time.time() - 90_000))

    assert ran(run_dir, capsys, "--status")[1] == "No route is shifted.\n"
    assert ran(run_dir, capsys, "--status", "--all")[1].startswith("/reports/ was mirrored to ASGI")
    mirrored.write(run_dir, replace(RUN, ended_s=time.time()))
    assert ran(run_dir, capsys, "--status")[1].startswith("/reports/ was mirrored to ASGI")


def test_all_is_an_option_of_the_status(run_dir, capsys) -> None:
    """It is not ignored."""
    assert ran(run_dir, capsys, "/reports/", "--abort", "--all") == (
        2,
        "",
        "`--all` is for `--status`.\n  A command changes one shift, which ROUTE names.\n",
    )


def test_the_json_has_the_documented_keys(run_dir, capsys) -> None:
    """For a script that watches it."""
    write(run_dir, shift())
    (found,) = json.loads(ran(run_dir, capsys, "--status", "--json")[1])

    assert documented_keys("tandem shift") == [found.keys()]
    assert found["percent"] == 5


@pytest.mark.parametrize(
    ("option", "state"), [("--pause", "paused, 5 %"), ("--abort", "aborted, 0 %")]
)
def test_a_shift_is_changed_by_its_route(run_dir, capsys, option, state) -> None:
    """At once, with the split that follows from it."""
    write(run_dir, shift())

    assert ran(run_dir, capsys, "/reports/", option) == (
        0,
        f"/reports/ to ASGI: {state} of its clients.\n",
        "",
    )
    assert {each[3] for each in shifts.read_split(run_dir)} == (
        set() if option == "--abort" else {5}
    )


REPORTS = verdict("/reports/", name="reports")


@pytest.mark.parametrize("option", ["--pause", "--abort", "--status"])
def test_a_shift_is_named_as_at_its_start(run_dir, capsys, monkeypatch, option) -> None:
    """By the URL name too, for which the project is loaded."""
    planned = SimpleNamespace(plan=plan(REPORTS))
    monkeypatch.setattr(shift_actions, "plan_project", lambda _options: planned)
    write(run_dir, shift())
    code, out, err = ran(run_dir, capsys, "reports", option)

    assert (code, err) == (0, "")
    assert out.startswith("/reports/ to ASGI: ")


def test_a_name_without_its_project_is_refused_with_the_patterns(
    run_dir, capsys, monkeypatch
) -> None:
    """A shift may have to end while the project can't be loaded; its pattern is enough."""

    def fail(_options) -> None:
        raise ProjectError("The project can't be imported: SyntaxError: x.")

    monkeypatch.setattr(shift_actions, "plan_project", fail)
    write(run_dir, shift(route="/a/"))

    assert ran(run_dir, capsys, "reports", "--abort") == (
        1,
        "",
        '"reports" is not the pattern of a shift, and the project, which has the names of its '
        "routes, can't be loaded: The project can't be imported: SyntaxError: x.\n"
        "  Shifts are /a/.\n",
    )
    assert ran(run_dir, capsys, "/a/", "--abort")[0] == 0


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        (
            {"state": ShiftState.ROLLED_BACK},
            "The shift of /reports/ to ASGI was rolled back, so it has no pin to write.\n"
            "  `tandem shift /reports/ --status` shows why, and `tandem shift /reports/ --to asgi` "
            "starts another one.",
        ),
        (
            {},
            "The shift of /reports/ to ASGI is running, 5 % of its clients.\n"
            "  Its pin is written once it is done; `tandem shift --status` shows how far it is.",
        ),
    ],
)
def test_a_shift_that_is_not_done_has_no_pin(changes, error) -> None:
    """The hint is of its state."""
    with pytest.raises(RefusedError) as raised:
        shift_actions._refuse_undone(shift(**changes))

    assert str(raised.value) == error


def test_one_that_is_done_is_written_or_aborted(run_dir, capsys) -> None:
    """It has no step to pause."""
    write(run_dir, shift(step=2, state=ShiftState.DONE))

    assert ran(run_dir, capsys, "/reports/", "--pause") == (
        1,
        "",
        "The shift of /reports/ to ASGI is done.\n"
        "  `--write` writes its pin into the settings, and `--abort` ends it.\n",
    )


SEEN = SideFigures(requests=60)


@pytest.mark.parametrize(
    ("before", "option", "error"),
    [
        (
            None,
            "percent",
            "`--percent 100` leaves no request of /reports/ on WSGI to compare with.\n"
            "  Begin with a smaller share, as in `--steps 50,100`: the last step is compared with "
            "the one before it.",
        ),
        (
            shift(state=ShiftState.ROLLED_BACK, at_home=SEEN),
            "steps",
            "`--steps 100` leaves no request of /reports/ on WSGI to compare with.\n"
            "  Begin with a smaller share, as in `--steps 50,100`: the last step is compared with "
            "the one before it.",
        ),
        (
            shift(to=Stack.WSGI, home=Stack.ASGI, at_home=SEEN),
            "percent",
            "`--percent 100` leaves no request of /reports/ on WSGI to compare with.\n"
            "  Begin with a smaller share, as in `--steps 50,100`: the last step is compared with "
            "the one before it.",
        ),
        (
            shift(at_home=SideFigures(requests=49)),
            "percent",
            "WSGI has had 49 of 50 requests of /reports/ to compare with, and gets no more at "
            "100 %.\n  Wait for them at 5 %, or lower `--samples`.",
        ),
        (
            shift(step=2, at_home=SEEN),
            "percent",
            "/reports/ is shifted to ASGI already: 100 % of its clients.\n"
            "  `tandem shift --status` shows it, and --abort ends it.",
        ),
    ],
    ids=["first", "after another", "back", "too few", "again"],
)
def test_all_clients_at_once_are_refused(before, option, error) -> None:
    """No side would be left to compare with."""
    options = argparse.Namespace(percent=100 if option == "percent" else None)
    with pytest.raises(TandemError) as raised:
        shift_command._as_last_step(shift(steps=(100,)), before, options)

    assert str(raised.value) == error


def test_all_clients_after_a_compared_step_are_its_next_one() -> None:
    """To which a reload goes back."""
    before = shift(steps=(25,), at_home=SEEN)
    found = shift_command._as_last_step(
        shift(steps=(100,)), before, argparse.Namespace(percent=100)
    )

    assert (found.steps, found.step, found.percent) == ((25, 100), 1, 100)


def test_a_shift_that_can_not_be_started_is_withdrawn(run_dir, monkeypatch) -> None:
    """Or the stack would start it later, though the command has failed."""

    def stop(_run_dir: Path) -> None:
        raise supervisord.StoppingError

    monkeypatch.setattr(supervisord, "start_shifter", stop)
    write(run_dir, shift(step=1))
    with pytest.raises(RefusedError) as raised:
        shift_command._start_program(run_dir, shift(step=1), [shift()])

    assert str(raised.value) == (
        f"The stack in {run_dir} does not answer, or stops, so /reports/ is not shifted.\n"
        "  `tandem status` shows its programs."
    )
    assert shifts.read(run_dir) == (shift(),)


def test_a_resumed_step_takes_its_whole_time(run_dir, capsys) -> None:
    """That of the pause is not part of it."""
    write(run_dir, shift(state=ShiftState.PAUSED))

    assert ran(run_dir, capsys, "/reports/", "--resume")[0] == 0
    (found,) = shifts.read(run_dir)
    assert (found.state, found.step_began_s > 900) == (ShiftState.RUNNING, True)


def test_a_route_that_is_not_shifted_is_refused(run_dir, capsys) -> None:
    """With the closest one."""
    write(run_dir, shift())

    code, out, err = ran(run_dir, capsys, "/report/", "--pause")

    assert (code, out) == (1, "")
    assert err.startswith('"/report/" is not the pattern of a shift, and the project, which has ')
    assert err.endswith('  Did you mean "/reports/"?\n')


def test_a_shift_that_has_ended_is_not_changed(run_dir, capsys) -> None:
    """It is another shift that begins."""
    write(run_dir, shift(state=ShiftState.ABORTED))

    assert ran(run_dir, capsys, "/reports/", "--resume") == (
        1,
        "",
        "The shift of /reports/ to ASGI is aborted.\n"
        "  Start another one with `tandem shift ROUTE --to STACK`.\n",
    )


def test_the_advice_is_followed_with_json_too(run_dir, capsys) -> None:
    """It needs a project, which the shifts alone do not."""
    write(run_dir, shift())
    code, out, _ = ran(run_dir, capsys, "--auto", "--json")

    assert (code != 0, out) == (True, "")


def test_the_advice_is_followed_for_the_routes_of_the_settings(
    run_dir, capsys, monkeypatch
) -> None:
    """Without any, `--auto` would never shift one."""
    settings = SimpleNamespace(shift=SimpleNamespace(routes=()))
    planned = SimpleNamespace(plan=plan(REPORTS), loaded=SimpleNamespace(settings=settings))
    monkeypatch.setattr(shift_command, "plan_project", lambda _options: planned)

    assert ran(run_dir, capsys, "--auto") == (
        2,
        "",
        'TANDEM["SHIFT"]["ROUTES"] is empty, and `--auto` shifts the routes that it names.\n'
        '  Name them, as in {"SHIFT": {"ROUTES": ["/reports/"]}}.\n',
    )


def test_without_a_route_there_is_nothing_to_do(run_dir, capsys) -> None:
    """But to print all of them."""
    assert ran(run_dir, capsys, "--pause") == (
        2,
        "",
        "ROUTE is missing.\n  `tandem plan` lists the routes, and --status the shifts.\n",
    )
    assert ran(run_dir, capsys, "--status") == (0, "No route is shifted.\n", "")


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        (argument_types.duration, "90", 90.0),
        (argument_types.duration, "30s", 30.0),
        (argument_types.duration, "10m", 600.0),
        (argument_types.duration, "1h", 3600.0),
        (argument_types.percents, "1, 5,100", (1, 5, 100)),
        (argument_types.methods, "get,POST", ("GET", "POST")),
    ],
)
def test_a_value_is_parsed(parse, text, value) -> None:
    """As a person writes it."""
    assert parse(text) == value


@pytest.mark.parametrize(
    ("parse", "text", "error"),
    [
        (argument_types.duration, "10x", 'Expected a time such as 30s, 10m or 1h, got "10x".'),
        (argument_types.duration, "0", 'Expected a time such as 30s, 10m or 1h, got "0".'),
        (argument_types.percent, "101", 'Expected an integer from 1 to 100, got "101".'),
        (argument_types.samples, "1001", 'Expected an integer from 1 to 1000, got "1001".'),
        (argument_types.percents, "5,1", 'Expected steps that grow, such as 1,5,25, got "5,1".'),
        (
            argument_types.methods,
            "GET,PUTT",
            "Expected GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS, got "
            '"PUTT". Did you mean "PUT"?',
        ),
    ],
)
def test_a_wrong_value_is_refused(parse, text, error) -> None:
    """With what would be right."""
    with pytest.raises(argparse.ArgumentTypeError) as raised:
        parse(text)

    assert str(raised.value) == error
