"""`tandem advise` of a real project, from a copied history and without one."""

import json
import shlex

import pytest

from builders import plan, verdict
from django_tandem.advisor.report import capacity_of, make_report
from django_tandem.advisor.rules import Recommendation
from django_tandem.advisor.verdicts import commands_of
from django_tandem.cli import parser
from django_tandem.cli.advise import detail_lines, shortened, table_lines
from django_tandem.monitor.history import HistoryWriter
from django_tandem.monitor.minutes import RouteMinute, bucket_of
from harness.projects import startproject
from harness.stack import tandem

URLS = """
import time

import requests
from django.http import HttpResponse
from django.urls import path


def offers(request):
    requests.get("http://supplier/")
    return HttpResponse("offers")


def report(request):
    return HttpResponse("report")


async def retry(request):
    time.sleep(0.1)
    return HttpResponse("retried")


urlpatterns = [
    path("offers/", offers),
    path("report/", report),
    path("retry/", retry),
    path("lots/<int:number>/", report),
]
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    directory = tmp_path_factory.mktemp("advised")
    (startproject(directory) / "mysite" / "urls.py").write_text(
        URLS.replace(
            "import requests\n", "try:\n    import requests\nexcept ImportError:\n    pass\n"
        )
    )
    return directory


@pytest.fixture(scope="module")
def history(tmp_path_factory):
    """An hour, a year ago, in a file as of another host."""
    path = tmp_path_factory.mktemp("copied") / "history.sqlite3"
    records = [
        RouteMinute(
            minute=20_000_000 + minute,
            route=route,
            stack=stack,
            statuses={200: 60},
            durations={bucket_of(each_s): 60},
            worker_s=60 * each_s,
            cpu_s=60 * cpu_s,
            cpu_known=60,
            blocked_s=60 * blocked_s,
        )
        for minute in range(60)
        for route, stack, each_s, cpu_s, blocked_s in (
            ("/offers/", "wsgi", 0.25, 0.004, 0.0),
            ("/report/", "wsgi", 0.09, 0.088, 0.0),
            ("/retry/", "asgi", 0.1, 0.002, 0.1),
        )
    ]
    HistoryWriter(path).write(records, now=(20_000_000 + 60) * 60)
    return path


@pytest.mark.processes
def test_a_copied_history_is_judged_by_its_own_time(project, history) -> None:
    """It may be of a day long past, and is as it was."""
    done = tandem(project, "advise", "--from", str(history))

    rows = [line.split() for line in done.stdout.splitlines()]
    assert done.returncode == 0
    assert [(row[0], " ".join(row[-3:])) for row in rows[1:]] == [
        ("/offers/", "move to ASGI"),
        ("/retry/", "move to WSGI"),
        ("/report/", "stay on WSGI"),
    ]
    # The project's TIME_ZONE is that of the terminal's times.
    assert "By 10,800 requests in 1 h 0 min, until 2008-01-10 22:20 UTC.\n" in done.stderr
    assert "1 route to move to WSGI." in done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 80


@pytest.mark.processes
def test_a_route_shows_its_reasons_and_what_must_change(project, history) -> None:
    """With the commands that prove it, and the same as JSON."""
    text = tandem(project, "advise", "mysite.urls.offers", "--from", str(history)).stdout
    found = json.loads(
        tandem(project, "advise", "/offers/", "--json", "--from", str(history)).stdout
    )

    for part in (
        "verdict     move to ASGI, confidence high",
        "It waits for 98% of 250 ms",
        "requests.get() blocks: use httpx.AsyncClient",
        "tandem shift /offers/ --to asgi --mirror",
    ):
        assert part in text
    (route,) = found["routes"]
    assert route["verdict"] == "move to ASGI"
    assert route["gain"]["workers_freed"] == [0.217, 0.283]


@pytest.mark.processes
def test_a_route_is_named_by_a_path_that_it_answers(project, history) -> None:
    """As Django resolves it."""
    done = tandem(project, "advise", "/lots/7/", "--from", str(history))

    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "/lots/<int:number>/")


@pytest.mark.processes
def test_without_a_history_the_code_alone_is_judged(project) -> None:
    """The routes that it shows something of are listed, below what to do for the others."""
    done = tandem(project, "advise", "--html", "advice.html")

    assert done.returncode == 0
    assert [line.split()[0] for line in done.stdout.splitlines()] == [
        "ROUTE",
        "/retry/",
        "/offers/",
    ]
    assert done.stderr.splitlines() == [
        "Written: advice.html",
        f"{project}/.tandem has no history, so the advice is based on the code alone.",
        "  Serve your usual traffic with `tandem up` for a day, or name a copy of another host's "
        "history with `--from`.",
        "2 routes without anything in the code to advise on.",
        "1 route to move to WSGI.",
        "`tandem advise ROUTE` shows the reasons of a route.",
    ]
    assert "/retry/" in (project / "advice.html").read_text()


@pytest.mark.processes
@pytest.mark.parametrize(
    ("arguments", "code", "error"),
    [
        (
            ("/offer/",),
            1,
            '"/offer/" is not a route of the project.\n  Did you mean "/offers/"?\n',
        ),
        (
            ("--from", "none.sqlite3"),
            2,
            '"none.sqlite3" is not a file.\n'
            "  Name a copy of history.sqlite3, such as one of a production host.\n",
        ),
        (
            ("--from", "manage.py"),
            2,
            "manage.py can't be read: file is not a database.\n"
            "  Expected a history.sqlite3, or a copy of one. The monitor of a stack that runs "
            "replaces a damaged one within a minute.\n",
        ),
        (
            ("--html", "none/advice.html"),
            2,
            '"none/advice.html" can\'t be written: No such file or directory.\n'
            "  Name a file in a writable directory.\n",
        ),
    ],
)
def test_mistakes_are_named(project, arguments, code, error) -> None:
    """A route that there is not is an answer of 1, a file of 2."""
    done = tandem(project, "advise", *arguments)

    assert (done.returncode, done.stderr) == (code, error)


@pytest.mark.parametrize(
    ("text", "room", "expected"),
    [
        ("/lots/", 12, "/lots/"),
        ("/api/shipping/<int:pk>/", 14, "/api/…<int:pk>/"[:5] + "…int:pk>/"),
    ],
)
def test_a_long_route_loses_its_middle(text, room, expected) -> None:
    """Its end says more than what it has in common with its neighbours."""
    assert shortened(text, room) == expected


def test_a_narrow_terminal_has_fewer_columns() -> None:
    """And names those that it hides; the verdict is not one of them."""
    long = "/api/shipping/<int:pk>/quotes/"
    made = plan(verdict(long))
    records = [RouteMinute(minute=1, route=long, stack="wsgi", statuses={200: 60}, worker_s=6.0)]
    report = make_report(made, records, capacity_of(made, wsgi_server="gunicorn", cpus=2.0))

    assert table_lines(report, 60) == [
        "ROUTE                     WORKERS  WAITS  VERDICT",
        "/api/shi…int:pk>/quotes/  0.10            not enough data",
        "Hidden at this width: REQ/S, P95, STACK.",
    ]
    assert max(map(len, detail_lines(report.advice[0], report, 60))) <= 60
    assert max(map(len, detail_lines(report.advice[0], report, 200))) in range(61, 81)


@pytest.mark.parametrize("route", ["/lots/<int:pk>/", r"/lots/(?P<pk>\d+)/$"])
@pytest.mark.parametrize("verdict", [Recommendation.TO_ASGI, Recommendation.TO_WSGI])
def test_the_commands_of_the_advice_are_ones_that_there_are(route, verdict) -> None:
    """As the shell gives their words to the command line."""
    for command in commands_of(route, verdict):
        program, *words = shlex.split(command)

        assert program == "tandem"
        assert parser().parse_args(words).route == route
