"""The screen of `tandem top`: a snapshot as lines of text, as wide and as high as the terminal."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rich.align import AlignMethod
from rich.cells import cell_len, set_cell_size
from rich.text import Text

from django_tandem.cli import console
from django_tandem.cli.figures import count, percent, printable, rate, seconds
from django_tandem.cli.top_keys import Sort, TopView, matches, ordered
from django_tandem.model.scoreboard import InFlight
from django_tandem.model.shifts import ShiftState
from django_tandem.monitor.snapshot import (
    RouteTraffic,
    ShiftProgress,
    Snapshot,
    StackTraffic,
    WorkerState,
)

# By the age of the oldest request of a worker: its symbol, the same in ASCII, and its style.
HEAT = (
    (0.1, "▁", "-", "green"),
    (0.5, "▃", "=", "green"),
    (2.0, "▅", "+", "yellow"),
    (float("inf"), "▇", "#", "bold red"),
)
IDLE = ("·", ".", "dim")
# The arrows of the column that the routes are sorted by, and the same in ASCII.
DESCENDING, ASCENDING = ("▼", "v"), ("▲", "^")
EDGE = "edge"
STYLES = {"wsgi": "cyan", "asgi": "magenta"}
# The requests in progress that are listed, of those that have taken longest.
MOST_IN_FLIGHT = 5
# The columns that are left out first where the terminal is too narrow.
EXPENDABLE = ("KB/S", "HAND/S", "CPU", "P50", "OPEN", "P99", "BUSY", "QUEUE", "ERR/S", "P95")
SHORTEST_ROUTE = 20
# The name of the stack next to a route.
STACK_WIDTH = 5
KEYS = "q quit  / filter  space pause  ? help  "


class TrafficRow(NamedTuple):
    """A row of the table of traffic, of a route or of a whole stack."""

    name: str
    each: RouteTraffic | StackTraffic


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of figures; ``style`` is that of a figure other than 0."""

    title: str
    width: int
    text: Callable[[TrafficRow], str]
    style: str = ""


COLUMNS = (
    Column(title="REQ/S", width=6, text=lambda row: rate(row.each.traffic.requests_per_s)),
    Column(title="P50", width=6, text=lambda row: seconds(row.each.traffic.p50_s)),
    Column(title="P95", width=6, text=lambda row: seconds(row.each.traffic.p95_s)),
    Column(title="P99", width=6, text=lambda row: seconds(row.each.traffic.p99_s)),
    Column(title="QUEUE", width=6, text=lambda row: seconds(row.each.traffic.queue_p95_s)),
    Column(
        title="ERR/S", width=5, text=lambda row: rate(row.each.traffic.errors_per_s), style="red"
    ),
    Column(title="BUSY", width=4, text=lambda row: rate(row.each.traffic.busy_workers)),
    Column(title="OPEN", width=4, text=lambda row: count(row.each.websockets + row.each.streams)),
    Column(title="CPU", width=5, text=lambda row: percent(row.each.traffic.cpu_share)),
    Column(title="HAND/S", width=6, text=lambda row: rate(row.each.traffic.handovers_per_s)),
    Column(title="KB/S", width=6, text=lambda row: rate(row.each.traffic.bytes_per_s / 1000)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """The size of a terminal; ``height`` is None where there is none, and all rows are shown."""

    width: int
    height: int | None = None
    is_ascii: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The columns that fit, and the width that they leave a route."""

    name_width: int
    columns: Sequence[Column]


def screen(now: Snapshot, view: TopView, size: Size, note: str = "") -> list[Text]:
    """Return the lines of the screen, each at most as wide as the terminal."""
    if view.shows_help:
        return _cut(_help_lines(), size, last=Text("Press a key to go back.", style="dim"))
    routes = ordered(now.routes, view)
    # Of all of them: the columns stay where they are while a filter is typed.
    layout = _layout([each.route for each in now.routes], size.width, view.sort)
    above = [
        _title(now, view, size, note),
        *_stacks(now, layout, size),
        *_shifts(now, size),
        *_in_flight(now, view, size),
        Text(),
        _head("ROUTE", layout, view.sort, size),
    ]
    rows = [_row(TrafficRow(each.route, each), layout) for each in routes]
    if not rows:
        rows = [Text(_without_routes(now, view), style="dim")]
    if size.height is None:
        return [*above, *rows]
    room = max(1, size.height - len(above) - 1)
    first = min(view.skipped, max(0, len(rows) - room))
    shown = rows[first : first + room]
    return _cut([*above, *shown], size, last=_foot(view, len(rows) - first - room))


def _cut(lines: Sequence[Text], size: Size, last: Text) -> list[Text]:
    """Return as many lines as the terminal has, ``last`` at its foot."""
    if size.height is None:
        return [*lines, last]
    empty = [Text()] * max(0, size.height - 1 - len(lines))
    kept = [*lines[: size.height - 1], *empty, last]
    for line in kept:
        line.truncate(size.width, overflow="crop")
    return kept


def _title(now: Snapshot, view: TopView, size: Size, note: str) -> Text:
    left = Text.assemble(("django-tandem", "bold"), f"  generation {now.generation}")
    if now.lost_lines:
        left.append(f"  {console.counted(now.lost_lines, 'line')} lost", style="yellow")
    right = Text(time.strftime("%H:%M:%S", time.localtime(now.at)))
    if note or view.is_paused:
        right = Text(f" {note or 'paused'} ", style="reverse red" if note else "reverse")
    free = 0 if size.height is None else size.width - left.cell_len - right.cell_len
    gap = max(2, free)
    return Text.assemble(left, " " * gap, right)


def _stacks(now: Snapshot, layout: Layout, size: Size) -> Iterator[Text]:
    yield _head("STACK", layout)
    for stack in now.stacks:
        if stack.stack == EDGE and not stack.traffic.requests_per_s:
            continue
        yield _row(TrafficRow(stack.stack, stack), layout, is_stack=True)
        workers = [each for each in now.workers if each.slot.stack == stack.stack]
        if workers or stack.workers:
            yield Text.assemble(
                "  ", _heat(workers, now, size), "  ", _sentence(stack, workers, now)
            )


def _heat(workers: Iterable[WorkerState], now: Snapshot, size: Size) -> Text:
    """Return a symbol for each worker, the higher the longer its oldest request has taken."""
    line = Text()
    for each in workers:
        ages = [now.at - one.since for one in each.slot.in_flight]
        symbol, plain, style = (
            next(rest for limit, *rest in HEAT if max(ages) < limit) if ages else IDLE
        )
        line.append(plain if size.is_ascii else symbol, style=style)
    return line


def _sentence(stack: StackTraffic, workers: Sequence[WorkerState], now: Snapshot) -> str:
    parts = [f"{stack.workers_busy} of {stack.workers} busy"]
    if stack.queue_length is not None:
        limit = "" if stack.queue_limit is None else f"/{stack.queue_limit}"
        parts.append(f"queue {stack.queue_length}{limit}")
    lags = [each.slot.lag_max_s for each in workers if each.slot.lag_max_s is not None]
    if lags:
        parts.append(f"lag {seconds(max(lags))}")
    if stack.websockets:
        parts.append(console.counted(stack.websockets, "WebSocket"))
    longest = max((each.slot.mailboxes.longest for each in workers), default=0)
    if longest:
        parts.append(f"mailbox {longest}")
    if stack.streams:
        parts.append(console.counted(stack.streams, "stream"))
    older = {each.slot.generation for each in workers if each.slot.generation < now.generation}
    parts += [f"generation {each} drains" for each in sorted(older)]
    return ", ".join(parts)


def _shifts(now: Snapshot, size: Size) -> Iterator[Text]:
    """Yield how far each route is that is shifted; nothing without one."""
    if not now.shifts:
        return
    yield Text()
    yield Text("SHIFTS", style="bold")
    room = len(now.shifts) if size.height is None else max(1, size.height // 8)
    for each in now.shifts[:room]:
        yield _shift_line(each, size)


def _shift_line(each: ShiftProgress, size: Size) -> Text:
    style = "bold red" if each.state == ShiftState.ROLLED_BACK else ""
    line = Text.assemble(
        f"{printable(each.route)} to ",
        (each.to, STYLES.get(each.to, "")),
        f" {each.percent} %, ",
        (each.state, style),
        f", step {each.step} of {each.steps}",
    )
    for stack, side in ((each.to, each.on_trial), (each.home, each.at_home)):
        line.append(f"; {stack} p95 {seconds(side.p95_s) or '-'}, {side.failed} failed")
    if each.reason:
        line.append(f"; {printable(each.reason)}", style="dim")
    line.truncate(size.width, overflow="ellipsis")
    return line


def _in_flight(now: Snapshot, view: TopView, size: Size) -> Iterator[Text]:
    """Yield the requests that workers have worked on for longest."""
    found = [
        (worker, each)
        for worker in now.workers
        for each in worker.slot.in_flight
        if matches(view, each.route, worker.slot.stack)
    ]
    found.sort(key=lambda pair: pair[1].since)
    room = len(found) if size.height is None else min(MOST_IN_FLIGHT, max(1, size.height // 8))
    yield Text()
    yield Text("IN PROGRESS          FOR  ROUTE", style="bold")
    if not found:
        yield Text(_without_requests(now, view), style="dim")
    for worker, each in found[:room]:
        yield _in_flight_line(worker, each, now, size)


def _without_requests(now: Snapshot, view: TopView) -> str:
    if any(worker.slot.in_flight for worker in now.workers):
        return f'No request in progress matches "{view.pattern}".'
    return "No worker has a request in progress."


def _in_flight_line(worker: WorkerState, each: InFlight, now: Snapshot, size: Size) -> Text:
    age_s = now.at - each.since
    style = next(style for limit, _, _, style in HEAT if age_s < limit)
    line = Text.assemble(
        (f"{worker.slot.stack:<5}", STYLES.get(worker.slot.stack, "")),
        f"pid {worker.slot.pid:<8}",
        (f"{seconds(age_s):>7}", style),
        f"  {printable(each.method)} {printable(each.route or each.path)}",
    )
    # Before its URL is resolved, it has no route.
    if each.route not in ("", each.path):
        line.append(f"  {printable(each.path)}", style="dim")
    line.truncate(size.width, overflow="ellipsis")
    return line


def _layout(names: Sequence[str], width: int, sorted_by: Sort) -> Layout:
    kept = list(COLUMNS)
    # Rows in the order of a column that is left out would seem to have none.
    for title in (each for each in EXPENDABLE if each != sorted_by.column):
        if SHORTEST_ROUTE + _width_of(kept) <= width:
            break
        kept = [each for each in kept if each.title != title]
    longest = max([SHORTEST_ROUTE, *map(cell_len, names)])
    return Layout(name_width=max(1, min(longest, width - _width_of(kept))), columns=kept)


def _width_of(columns: Iterable[Column]) -> int:
    return STACK_WIDTH + sum(each.width + 1 for each in columns)


def _head(
    name: str, layout: Layout, sorted_by: Sort | None = None, size: Size | None = None
) -> Text:
    line = Text(style="bold")
    arrows = DESCENDING if sorted_by is not Sort.NAME else ASCENDING
    arrow = arrows[1] if size is not None and size.is_ascii else arrows[0]
    is_sorted = sorted_by is not None and name == sorted_by.column
    title = f"{name} {arrow}" if is_sorted else name
    line.append_text(_title_cell(title, layout.name_width + STACK_WIDTH, "left", is_sorted))
    for each in layout.columns:
        # The arrow is where the space between two columns is.
        is_sorted = sorted_by is not None and each.title == sorted_by.column
        title = f"{arrow}{each.title}" if is_sorted else each.title
        line.append_text(_title_cell(title, each.width + 1, "right", is_sorted))
    return line


def _title_cell(title: str, width: int, align: AlignMethod, is_sorted: bool) -> Text:  # noqa: FBT001
    cell = Text.assemble((title, "underline" if is_sorted else ""))
    cell.align(align, width)
    return cell


def _row(row: TrafficRow, layout: Layout, *, is_stack: bool = False) -> Text:
    line = Text()
    style = STYLES.get(row.each.stack, "dim")
    line.append(
        _sized(printable(row.name), layout.name_width),
        style=style if is_stack else "",
    )
    line.append(_sized("" if is_stack else f" {row.each.stack}", STACK_WIDTH), style=style)
    for column in layout.columns:
        text = column.text(row)
        line.append(f" {text:>{column.width}}", style="dim" if text == "0" else column.style)
    return line


def _sized(text: str, width: int) -> str:
    return (
        set_cell_size(text, width)
        if cell_len(text) <= width
        else set_cell_size(text, width - 1) + "…"
    )


def _without_routes(now: Snapshot, view: TopView) -> str:
    if now.routes:
        return f'No route matches "{view.pattern}": Esc removes the filter.'
    return "No request in the last minute."


def _foot(view: TopView, below: int) -> Text:
    if view.is_typing:
        return Text.assemble(
            ("Filter: ", "bold"), view.pattern, ("_", "blink"), "  Enter keeps it, Esc removes it"
        )
    more = f"{console.counted(below, 'route')} below  " if below > 0 else ""
    filtered = f'"{view.pattern}"  ' if view.pattern else ""
    keys = " ".join(each.key for each in Sort)
    # A narrow terminal cuts the keys, which the help has as well.
    return Text(f"{filtered}{more}{KEYS}{keys} sort", style="dim")


def _help_lines() -> list[Text]:
    lines = [Text("The keys of tandem top", style="bold"), Text()]
    others = (
        ("/", "filter the routes by a part of their name, such as api or asgi"),
        ("Esc", "remove the filter"),
        ("space", "pause, and resume"),
        ("↑ ↓ PgUp PgDn", "scroll the routes"),
        ("q, Ctrl-C", "quit"),
    )
    sorts = [(each.key, f"sort by {each.meaning}") for each in Sort]
    lines += [Text(f"  {key:<15}{meaning}") for key, meaning in [*sorts, *others]]
    meanings = (
        "Figures are of the last minute, percentiles of the time at the edge.",
        "QUEUE is the 95th percentile of the time until a worker began.",
        "BUSY is how many workers the route occupied on average.",
        "OPEN counts WebSockets and event streams; HAND/S handovers.",
        "A symbol is a worker: idle ·, busy for up to 0.1 s ▁, 0.5 s ▃, 2 s ▅, longer ▇.",
    )
    return [*lines, Text(), *map(Text, meanings)]
