"""The screen of `tandem top` fits its terminal, and a snapshot is all it knows."""

from dataclasses import replace

import pytest

from django_tandem.cli.figures import count, percent, rate, seconds
from django_tandem.cli.top_keys import Sort, TopView
from django_tandem.cli.top_screen import Size, screen
from django_tandem.monitor.snapshot import RouteTraffic, StackTraffic, Traffic
from harness.monitored import NOW, request, sample, shifted, worker

EIGHTY = """\
STACK                         REQ/S    P50    P95    P99  QUEUE ERR/S BUSY OPEN
wsgi                            812 4.0 ms  12 ms  24 ms  12 ms   0.3  3.2    0
  ▇▁▃·  3 of 4 busy, queue 2/64
asgi                           96.0 2.0 ms 6.0 ms  12 ms 1.0 ms     0  0.2  116
  ▅·  1 of 2 busy, queue 0/2048, lag 41 ms, 104 WebSockets, 12 streams

IN PROGRESS          FOR  ROUTE
wsgi pid 4310      2.4 s  GET /reports/<int:year>/  /reports/2026/
asgi pid 4320     600 ms  GET /api/shipping/<int:pk>/  /api/shipping/4/
wsgi pid 4312     200 ms  PUT /api/lots/<int:pk>/  /api/lots/17/

ROUTE                         REQ/S    P50    P95    P99  QUEUE ERR/S▼BUSY OPEN
/api/lots/              wsgi    610 4.0 ms  12 ms  24 ms  12 ms     0  2.4    0
/reports/<int:year>/    wsgi    0.8  1.2 s  3.6 s  7.2 s  12 ms   0.3  1.0    0
/api/lots/<int:pk>/     wsgi    201 3.0 ms 9.0 ms  18 ms            0  0.6    0
/api/shipping/<int:pk>/ asgi   96.0 2.0 ms 6.0 ms  12 ms            0  0.2    0
/feed/                  asgi      0                                 0    0   12
/ws/lots/<int:lot_id>/  asgi      0                                 0    0  104
"""


def shown(now=None, view=None, *, width=80, height=24, note="", is_ascii=False) -> list[str]:
    size = Size(width=width, height=height, is_ascii=is_ascii)
    lines = screen(now or sample(), view or TopView(), size, note)
    return [line.plain.rstrip() for line in lines]


def test_eighty_columns_hold_both_stacks_their_workers_and_the_routes() -> None:
    """With the keys at the foot."""
    lines = shown()

    assert lines[1:19] == EIGHTY.splitlines()
    assert lines[-1] == "q quit  / filter  space pause  ? help  b r p u e s c n sort"


@pytest.mark.parametrize("width", [20, 40, 60, 80, 100, 250])
@pytest.mark.parametrize("height", [3, 10, 24, 60])
def test_no_size_is_exceeded(width, height) -> None:
    """Nor left empty: each line of the terminal is written."""
    for view in (TopView(), TopView(shows_help=True), TopView(pattern="x" * 300, is_typing=True)):
        lines = screen(sample(), view, Size(width=width, height=height), note="late " * 60)

        assert len(lines) == height
        assert max(line.cell_len for line in lines) <= width


def test_a_wide_terminal_has_further_columns() -> None:
    """CPU, handovers and bytes; a narrow one keeps the rate."""
    head = "ROUTE                         REQ/S    P50    P95    P99  QUEUE ERR/S▼BUSY OPEN"

    assert f"{head}   CPU HAND/S   KB/S" in shown(width=120)
    by_p95 = TopView(sort=Sort.P95)
    assert "ROUTE                       REQ/S   ▼P95" in shown(view=by_p95, width=40)


@pytest.mark.parametrize("sort", Sort)
@pytest.mark.parametrize("width", [40, 80])
def test_the_column_that_the_routes_are_sorted_by_has_a_mark(sort, width) -> None:
    """Also without colours, and where other columns are left out."""
    for is_ascii, falls, rises in ((False, "▼", "▲"), (True, "v", "^")):
        lines = shown(view=TopView(sort=sort), width=width, is_ascii=is_ascii)
        (head,) = [each for each in lines if each.startswith("ROUTE")]

        mark = f"ROUTE {rises}" if sort is Sort.NAME else f"{falls}{sort.column}"
        assert mark in head
        assert sum(head.count(each) for each in (falls, rises)) == 1


def test_the_help_fits_eighty_columns() -> None:
    """No sentence of it is cut."""
    lines = screen(sample(), TopView(shows_help=True), Size(width=200, height=40))

    assert max(line.cell_len for line in lines) <= 80


def test_without_a_height_every_route_is_shown() -> None:
    """As `--once` prints them."""
    routes = tuple(
        RouteTraffic(route=f"/{number}/", stack="wsgi", traffic=Traffic()) for number in range(300)
    )

    assert len([line for line in shown(sample(routes=routes), height=None) if "/ " in line]) > 290


def test_rows_below_are_counted_and_scrolled_to() -> None:
    """The last page is full, also after a resize."""
    assert shown(height=17)[-1].startswith("2 routes below  q quit  / filter")
    assert shown(height=17, view=TopView(skipped=99))[-2].startswith("/ws/lots/<int:lot_id>/")


def test_a_worker_of_an_older_generation_drains() -> None:
    """The sentence of its stack names the generation."""
    workers = (*sample().workers, worker(4200, "wsgi", generation=2))

    assert "  ▇▁▃··  3 of 4 busy, queue 2/64, generation 2 drains" in shown(sample(workers=workers))


def test_a_terminal_without_unicode_has_ascii_marks() -> None:
    """Each still differs from the others."""
    assert "  #-=.  3 of 4 busy, queue 2/64" in shown(is_ascii=True)


def test_a_request_without_a_route_shows_its_path() -> None:
    """Its URL is not resolved yet."""
    busy = worker(1, "wsgi", request("/api/lots/9/", "", 1.0))

    assert "wsgi pid 1         1.0 s  GET /api/lots/9/" in shown(sample(workers=(busy,)))


def test_an_edge_that_answers_nothing_itself_is_left_out() -> None:
    """It has a row once it serves a file."""

    def rows(rate: float) -> list[str]:
        edge = StackTraffic(stack="edge", traffic=Traffic(requests_per_s=rate))
        lines = shown(sample(stacks=(*sample().stacks, edge)))
        return [line for line in lines if line.startswith("edge ")]

    assert rows(0) == []
    assert len(rows(2.5)) == 1


def test_control_characters_of_a_path_are_not_obeyed() -> None:
    """A client chooses its path."""
    busy = worker(1, "wsgi", request("/\x1b[2J", "(unmatched)", 1.0))

    assert "wsgi pid 1         1.0 s  GET (unmatched)  /�[2J" in shown(sample(workers=(busy,)))


def test_without_a_request_a_sentence_takes_the_place_of_the_rows() -> None:
    """A filter without a match has its own."""
    idle = sample(routes=(), workers=())

    assert "No request in the last minute." in shown(idle)
    assert "No worker has a request in progress." in shown(idle)
    unmatched = 'No route matches "moon": Esc removes the filter.'
    filtered = shown(view=TopView(pattern="moon"))
    assert unmatched in filtered
    assert 'No request in progress matches "moon".' in filtered


def test_the_title_names_what_is_wrong() -> None:
    """A pause, a monitor that does not answer, and lines that it lost."""
    assert shown(view=TopView(is_paused=True))[0].endswith(" paused")
    assert shown(note="Nothing runs in /run.")[0].endswith(" Nothing runs in /run.")
    assert "1 line lost" in shown(replace(sample(), lost_lines=1))[0]


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"), (0.004, "0"), (0.02, "0.02"), (0.3, "0.3"), (99.9, "99.9"), (99.96, "100"),
        (9999, "9999"), (12_345, "12k"),
    ],
)  # fmt: skip
def test_a_rate_has_five_characters_at_most(number, text) -> None:
    """A small one is not rounded to nothing."""
    assert rate(number) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (None, ""), (0.0004, "0.4 ms"), (0.0123, "12 ms"), (0.9994, "999 ms"), (0.9996, "1.0 s"),
        (99.9, "99.9 s"), (120, "2 m"), (7200, "2 h"),
    ],
)  # fmt: skip
def test_a_time_has_six_characters_at_most(number, text) -> None:
    """In the unit that leaves two digits."""
    assert seconds(number) == text


def test_counts_and_shares_are_short() -> None:
    """An unknown share is empty."""
    assert (count(9999), count(12_345), percent(0.904), percent(None)) == (
        "9999",
        "12k",
        "90 %",
        "",
    )


def test_the_clock_is_that_of_the_snapshot() -> None:
    """A paused screen keeps its time."""
    assert shown(sample(at=NOW + 5))[0].endswith(":05")


def test_a_route_that_is_shifted_has_a_line_with_both_sides() -> None:
    """And the reason why it stands where it does."""
    lines = shown(sample(shifts=(shifted(),)), width=160)
    place = lines.index("SHIFTS")

    assert lines[place - 1] == ""
    assert lines[place + 1] == (
        "/reports/<int:year>/ to asgi 5 %, running, step 2 of 5; asgi p95 131 ms, 0 failed; "
        "wsgi p95 140 ms, 3 failed; Both sides are alike so far."
    )
    assert lines[place + 2 : place + 4] == ["", "IN PROGRESS          FOR  ROUTE"]


@pytest.mark.parametrize("height", [3, 10, 24])
def test_many_shifts_leave_room_for_the_rest(height) -> None:
    """An eighth of the terminal, and a line is cut at its width."""
    now = sample(shifts=(shifted(),) * 30)
    lines = screen(now, TopView(), Size(width=80, height=height))

    assert len(lines) == height
    assert max(line.cell_len for line in lines) <= 80
