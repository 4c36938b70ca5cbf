"""What the panel gets: by each answer's headers, by the plan, by the edge's log."""

import asyncio
import re
import runpy
from datetime import UTC, datetime
from pathlib import Path

import pytest
from asgiref.sync import iscoroutinefunction
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpResponse
from django.test import AsyncClient, Client, override_settings
from lots import make_lot

import config.settings
from hood.edge_log import requests_per_second
from hood.middleware import add_stack_headers
from hood.tandem import Kept

SETTINGS = config.settings.__file__
NOW = datetime(2026, 11, 22, 20, 0, 10, tzinfo=UTC).timestamp()


def test_answer_names_its_stack_its_route_and_its_time() -> None:
    """The route as the plan writes it, so that its reason can be found there."""
    answer = Client().get(f"/api/lots/{make_lot().pk}/")

    assert answer.headers["X-Stack"] == "wsgi"
    timing = answer.headers["Server-Timing"]
    pattern = r'stack;desc="wsgi", app;dur=\d+\.\d, route;desc="/api/lots/<int:pk>/"'
    assert re.fullmatch(pattern, timing)


def test_the_same_view_on_asgi_says_so() -> None:
    """The request decides, not the view."""
    answer = asyncio.run(AsyncClient().get("/api/lots/"))

    assert answer.headers["X-Stack"] == "asgi"
    assert 'stack;desc="asgi"' in answer.headers["Server-Timing"]


def test_path_without_a_route_has_a_stack_and_no_route() -> None:
    """A stack answered for the missing page too."""
    answer = Client().get("/no/such/page/")

    assert answer.headers["X-Stack"] == "wsgi"
    assert "route" not in answer.headers["Server-Timing"]


def test_middleware_is_a_coroutine_between_coroutines() -> None:
    """Else each request on ASGI would be taken to a thread for it."""

    async def awaited(request) -> HttpResponse:
        return HttpResponse()

    assert iscoroutinefunction(add_stack_headers(awaited))
    assert not iscoroutinefunction(add_stack_headers(lambda request: HttpResponse()))


def test_nothing_is_sent_when_the_setting_is_off() -> None:
    """No header, no panel."""
    with override_settings(UNDER_THE_HOOD=False):
        with pytest.raises(MiddlewareNotUsed):
            add_stack_headers(lambda request: HttpResponse())
        html = Client().get("/").content.decode()

    assert "hood" not in html


@pytest.mark.parametrize(
    ("environment", "is_shown"),
    [
        ({}, True),
        ({"SECRET_KEY": "own"}, False),
        ({"SECRET_KEY": "own", "UNDER_THE_HOOD": "1"}, True),
        ({"UNDER_THE_HOOD": "0"}, False),
    ],
)
def test_panel_is_the_demos_unless_it_is_asked_for(monkeypatch, environment, is_shown) -> None:
    """A site with its own key shows nobody its processes by default."""
    for name in ("SECRET_KEY", "UNDER_THE_HOOD"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert runpy.run_path(SETTINGS)["UNDER_THE_HOOD"] is is_shown


def _logged(path: Path, *lines: tuple[int, str]) -> Path:
    path.write_text(
        "".join(
            f'2026-11-22T20:00:{second:02}+00:00 127.0.0.1 "GET / HTTP/1.1" 200 5 0.001s abc {by}\n'
            for second, by in lines
        )
    )
    return path


def test_rate_counts_the_last_whole_seconds(tmp_path) -> None:
    """Neither the second that runs nor what is long ago; a request handed over counts for both."""
    log = _logged(
        tmp_path / "nginx.log",
        (1, "wsgi"),
        *[(5, "wsgi")] * 4,
        (7, "asgi"),
        (9, "wsgi>asgi"),
        (10, "edge"),
    )

    assert requests_per_second(log, NOW) == {"wsgi": 1.0, "asgi": 0.4, "edge": 0.0}


def test_rate_of_a_log_that_does_not_reach_back_is_over_what_it_covers(tmp_path) -> None:
    """The tail of a busy log is shorter than the window."""
    log = _logged(tmp_path / "nginx.log", *[(8, "asgi")] * 6, *[(9, "asgi")] * 4)

    assert requests_per_second(log, NOW)["asgi"] == 5.0


@pytest.mark.parametrize("left_out", range(1, 24))
def test_the_first_line_of_a_tail_may_be_cut(left_out, tmp_path) -> None:
    """Anywhere: also within its time, of which the rest is no time."""
    log = _logged(tmp_path / "nginx.log", (9, "asgi"), (9, "wsgi"))
    log.write_bytes(log.read_bytes()[left_out:])

    assert requests_per_second(log, NOW)["wsgi"] == 1.0


def test_no_log_is_no_rate(tmp_path) -> None:
    """Nothing is claimed of what is not known."""
    assert requests_per_second(tmp_path / "nginx.log", NOW) == {}


def test_many_who_ask_at_once_are_one_question(monkeypatch) -> None:
    """And for a while after it the answer is the same."""
    asked = []

    async def printed(argv: list[str]) -> tuple[int, bytes]:
        asked.append(argv)
        await asyncio.sleep(0)
        return 0, b'{"generation": 7}'

    monkeypatch.setattr("hood.tandem._printed", printed)
    kept = Kept("status", for_s=60)

    async def crowd() -> list:
        return await asyncio.gather(*(kept.read() for _ in range(20)))

    answers = asyncio.run(crowd()) + asyncio.run(crowd())

    assert {answer.output["generation"] for answer in answers} == {7}
    assert [argv[1:] for argv in asked] == [["status", "--json"]]


@pytest.mark.parametrize("result", [(None, b""), (2, b""), (0, b"Traceback")])
def test_a_status_that_can_not_be_read_does_not_mean_that_nothing_runs(result, monkeypatch) -> None:
    """The command took too long, failed, or printed no JSON."""

    async def printed(_argv: list[str]) -> tuple[int | None, bytes]:
        return result

    monkeypatch.setattr("hood.tandem._printed", printed)
    answer = asyncio.run(Kept("status", for_s=60).read())

    assert answer.sorry == "`tandem status` could not be read. It is tried again."


def test_without_tandem_the_panel_says_so() -> None:
    """Under runserver there is a sentence in the picture's place."""
    answer = Client().get("/hood/stacks/").json()

    assert answer == {
        "sorry": "Not served by tandem: start it with `tandem up` to see both stacks."
    }
