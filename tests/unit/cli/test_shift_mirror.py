"""`tandem shift --mirror`: its options, and what it prints of a report."""

import json
from dataclasses import replace

import pytest
from cli.json_page import documented_keys
from runtime.test_mirrored import RUN

from builders import plan
from django_tandem.cli import argument_types, console, main, shift_mirror
from django_tandem.cli.shift_mirror import status_lines
from django_tandem.mirror import Difference, DifferenceKind, MirrorReport
from django_tandem.mirror.findings import Finding

VARY = Difference(kind=DifferenceKind.HEADER, name="vary", home="Cookie", other="no header")


def test_the_status_has_the_kinds_of_differences() -> None:
    """Without examples, which are parts of responses."""
    report = replace(
        RUN.report,
        compared=9,
        unstable=2,
        failed=3,
        dropped=4,
        findings=(*RUN.report.findings, Finding(count=2, target="/", example=VARY)),
    )

    assert status_lines(replace(RUN, report=report)) == [
        "/reports/ is mirrored to ASGI: 9 requests compared. 6 equal, 1 different, "
        "2 that differ on WSGI too, 3 without a response, 4 not compared.",
        "  body: once",
        "  header vary: 2 times",
    ]
    assert status_lines(replace(RUN, ended_s=2.0))[0].startswith("/reports/ was mirrored to ASGI: ")


def test_a_mirror_names_what_its_copies_write() -> None:
    """Where each request saves its session, a copy does; it may be of an older one."""
    plain, *more = shift_mirror._begun(plan(), RUN)
    saving = shift_mirror._begun(plan(saves_each_session=True), RUN)

    assert plain == (
        "GETs of /reports/ go to WSGI as before, and copies to both stacks for 10 min 0 s. Ctrl-C "
        "ends it, and prints the report."
    )
    assert more == []
    assert saving == [
        plain,
        "SESSION_SAVE_EVERY_REQUEST is True: each copy saves the session of its client, and may "
        "overwrite the changes of its other requests.",
    ]


def test_a_difference_is_printed_with_its_example(capsys) -> None:
    """Of a text as a unified diff."""
    findings = (*RUN.report.findings, Finding(count=2, target="/?q=…", example=VARY))
    shift_mirror._print(replace(RUN, ended_s=2.0, report=replace(RUN.report, findings=findings)))

    assert capsys.readouterr().out.splitlines() == [
        "/reports/ was mirrored to ASGI: 2 requests compared. 1 equal, 1 different.",
        "",
        "body: once, first by /reports/",
        "  --- WSGI",
        "  +++ ASGI",
        "  -a",
        "  +b",
        "",
        "header vary: 2 times, first by /?q=…",
        "  WSGI: Cookie",
        "  ASGI: no header",
    ]


def test_parts_of_responses_are_printed_without_control_characters(capsys) -> None:
    """A terminal would obey them, and lone surrogates can't be printed at all."""
    example = replace(
        VARY, name="$.\x1b[2J", home="a\x1b]0;b\x07", other="\ud800", excerpt=("+\t\x9b",)
    )
    of_text = Finding(count=1, target="/\x1b[2J", example=example)
    of_values = replace(of_text, example=replace(example, excerpt=()))
    run = replace(RUN, report=replace(RUN.report, findings=(of_text, of_values)))
    shift_mirror._print(run)

    heading = "header $.�[2J: once"
    assert capsys.readouterr().out.splitlines()[1:] == [
        "",
        f"{heading}, first by /�[2J",
        "  --- WSGI",
        "  +++ ASGI",
        "  +   �",
        "",
        f"{heading}, first by /�[2J",
        "  WSGI: a�]0;b�",
        "  ASGI: �",
    ]
    assert status_lines(run)[1:] == [f"  {heading}"] * 2
    assert json.loads(console.json_text(run.as_json()).encode()) == run.as_json() | {
        "report": json.loads(json.dumps(run.report.as_json()))
    }


@pytest.mark.parametrize(
    ("report", "expected"),
    [
        (
            MirrorReport(compared=3),
            "/reports/ was mirrored to ASGI: 3 requests compared. 3 equal, 0 different.\n"
            "Shift it next: `tandem shift '/reports/' --to asgi` begins with 1 % of its clients.\n",
        ),
        (
            MirrorReport(compared=3, unstable=3),
            "/reports/ was mirrored to ASGI: 3 requests compared. 0 equal, 0 different, 3 that "
            "differ on WSGI too.\n"
            "No response was the same twice on WSGI, so only parts of them were compared: "
            "`--ignore` leaves out what varies.\n",
        ),
        (
            MirrorReport(failed=2),
            "None of 2 requests for /reports/ got a response of both stacks.\n",
        ),
        (
            MirrorReport(dropped=3),
            "None of 3 requests for /reports/ was compared before the mirror's end.\n",
        ),
        (
            MirrorReport(),
            "No GET of /reports/ arrived in that time, so nothing was compared.\n",
        ),
    ],
)
def test_a_report_without_differences_says_what_follows(report, expected, capsys) -> None:
    """The next step, or why there is none."""
    shift_mirror._print(replace(RUN, ended_s=2.0, report=report))

    assert capsys.readouterr().out == expected


@pytest.mark.parametrize(("option", "value"), [("--for", "5m"), ("--ignore", "Vary")])
def test_an_option_of_the_mirror_needs_one(option, value, capsys) -> None:
    """It is not ignored."""
    assert main(["shift", "/reports/", "--to", "asgi", option, value]) == 2
    assert capsys.readouterr().err == (
        f"`{option}` is for `--mirror`.\n  A shift compares by its own rules.\n"
    )


@pytest.mark.parametrize(
    "option",
    ["--percent=5", "--steps=5,50", "--pause", "--resume", "--abort", "--write", "--auto"],
)
def test_a_mirror_has_no_option_of_a_shift(option, capsys) -> None:
    """Nothing is shifted, and a user may expect it."""
    assert main(["shift", "/reports/", "--to", "asgi", "--mirror", option]) == 2
    assert capsys.readouterr().err == (
        f"`{option.partition('=')[0]}` is for a shift, and `--mirror` starts none.\n"
        "  Ctrl-C ends a mirror, and `--for` sets its length.\n"
    )


def test_what_is_ignored_is_checked_at_once(capsys) -> None:
    """As an error of the command line."""
    assert main(["shift", "/reports/", "--mirror", "--ignore", "$"]) == 2
    assert capsys.readouterr().err.startswith("--ignore: Expected a header, a JSON path")
    assert argument_types.ignored("$.lots[*].age") == "$.lots[*].age"


def test_the_json_has_the_documented_keys() -> None:
    """Of the run, and of its report."""
    run = RUN.as_json()

    assert documented_keys("tandem shift --mirror") == [run.keys(), run["report"].keys()]
