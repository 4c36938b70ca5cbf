"""`tandem shift`: its options, and what it prints of the shifts in a run directory."""

import argparse
import json
from pathlib import Path

import pytest
from cli.json_page import documented_keys

from builders import shift
from django_tandem.cli import main, shift_arguments
from django_tandem.cli import shift as shift_command
from django_tandem.errors import RefusedError
from django_tandem.model.shifts import ShiftState, SideFigures
from django_tandem.runtime import shifts, supervisord


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
        "  WSGI: 90 requests, 2 failed\n",
        "",
    )


def test_the_status_of_one_that_was_rolled_back_names_requests(run_dir, capsys) -> None:
    """By which their lines in the logs are found."""
    reason = "4 of 4 requests failed on ASGI, with 500, and 0 of 30 on WSGI."
    write(run_dir, shift(state=ShiftState.ROLLED_BACK, reason=reason, requests=("a", "b")))

    assert ran(run_dir, capsys, "--status")[1].splitlines() == [
        f"/reports/ to ASGI: rolled back, 0 % of its clients. {reason}",
        "  ASGI: 0 requests, 0 failed",
        "  WSGI: 0 requests, 0 failed",
        "  Requests that show it: a, b",
    ]


def test_the_status_of_one_that_is_done_says_what_to_do(run_dir, capsys) -> None:
    """The project is to say it itself."""
    write(run_dir, shift(step=2, state=ShiftState.DONE))

    assert ran(run_dir, capsys, "--status")[1].splitlines()[-1] == (
        '  Pin it in TANDEM["ROUTES"], or mark its view @on_asgi, and reload: '
        "`tandem shift '/reports/' --write` writes the pin."
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


def test_a_shift_that_can_not_be_started_is_withdrawn(run_dir, monkeypatch) -> None:
    """Or the stack would start it later, though the command has failed."""

    def stop(_run_dir: Path) -> None:
        raise supervisord.StoppingError

    monkeypatch.setattr(supervisord, "start_shifter", stop)
    write(run_dir, shift(step=1))
    with pytest.raises(RefusedError) as raised:
        shift_command._start_program(run_dir, shift(step=1), [shift()])

    assert str(raised.value) == (
        f"The stack in {run_dir} does not answer, or stops, so that /reports/ is not shifted.\n"
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

    assert ran(run_dir, capsys, "/report/", "--pause") == (
        1,
        "",
        '"/report/" is not shifted.\n  Did you mean "/reports/"?\n',
    )


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
        (shift_arguments.duration, "90", 90.0),
        (shift_arguments.duration, "30s", 30.0),
        (shift_arguments.duration, "10m", 600.0),
        (shift_arguments.duration, "1h", 3600.0),
        (shift_arguments.percents, "1, 5,100", (1, 5, 100)),
        (shift_arguments.methods, "get,POST", ("GET", "POST")),
    ],
)
def test_a_value_is_parsed(parse, text, value) -> None:
    """As a person writes it."""
    assert parse(text) == value


@pytest.mark.parametrize(
    ("parse", "text", "error"),
    [
        (shift_arguments.duration, "10x", 'Expected a time such as 30s, 10m or 1h, got "10x".'),
        (shift_arguments.duration, "0", 'Expected a time such as 30s, 10m or 1h, got "0".'),
        (shift_arguments.percent, "101", 'Expected an integer from 1 to 100, got "101".'),
        (shift_arguments.percents, "5,1", 'Expected steps that grow, such as 1,5,25, got "5,1".'),
        (
            shift_arguments.methods,
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
