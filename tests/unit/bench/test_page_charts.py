"""A chart shows what was measured, in proportion, from zero."""

import pytest
from bench.markup import Element, read
from bench.reports import (
    ASGI,
    HYBRID,
    LOTS,
    MIXED,
    WSGI,
    failed,
    measured,
    report,
    row,
    sockets,
    steady,
    whole,
)

from django_tandem.bench.page.charts import Chart, charts
from django_tandem.bench.page.drawing import WIDTH, drawing


def _drawn(chart: Chart) -> Element:
    return read(str(drawing(chart, name="it", of="/api/lots/"))).one("svg")


def _bars(svg: Element) -> list[tuple[float, float, str]]:
    """Where each bar begins and ends, and how it is filled."""
    found = []
    for path in svg.all("path"):
        style = path.attributes.get("style", "")
        if "var(--accent)" in style or "var(--plain)" in style:
            xs = [float(x) for x in path.attributes["d"].replace("z", "").split()[1::3]]
            found.append((min(xs), max(xs), style))
    return found


def test_bars_begin_at_zero_and_are_in_proportion() -> None:
    """Twice as long is twice as much."""
    bars = _bars(_drawn(charts(report(whole()), LOTS)[0]))

    assert [begin for begin, _, _ in bars] == [0, 0, 0]
    assert bars[0][1] / bars[2][1] == pytest.approx(702 / 132)
    assert bars[1][1] / bars[2][1] == pytest.approx(711 / 132)


def test_only_the_baseline_has_the_accent() -> None:
    """So that it is found at once in each chart."""
    styles = [style for _, _, style in _bars(_drawn(charts(report(whole()), LOTS)[0]))]

    assert ["var(--accent)" in style for style in styles] == [True, False, False]


def test_percentiles_lie_within_one_another() -> None:
    """Each is a bar from zero, the longest below the others."""
    (_, latency, _) = charts(report([steady(HYBRID, 700, 100)]), LOTS)
    ends = [end for _, end, _ in _bars(_drawn(latency))]

    assert latency.bars[0].lengths == (25, 50, 100)
    assert ends == sorted(ends, reverse=True)
    assert ends[0] / ends[2] == pytest.approx(4)


def test_each_round_is_a_dot_at_its_own_number() -> None:
    """A line joins the lowest and the highest; nothing runs out of the drawing."""
    chart = charts(
        report([row(HYBRID, measured(100, 9), measured(400, 9), measured(200, 9))]), LOTS
    )[0]
    dots = [float(each.attributes["x"]) for each in _drawn(chart).all("use")]

    assert chart.bars[0].lengths == (200,)
    assert [dot / dots[0] for dot in dots] == pytest.approx([1, 4, 2])
    assert max(dots) <= WIDTH


def test_what_failed_has_no_bar() -> None:
    """There are words in its place."""
    chart = charts(report([*whole()[:2], failed(ASGI, "it did not start")]), LOTS)[0]

    assert chart.bars[2].lengths == ()
    assert chart.bars[2].words == "it did not start"
    assert len(_bars(_drawn(chart))) == 2


def test_what_is_not_comparable_is_said_beside_the_bar() -> None:
    """WebSockets that were lost while the others were measured are told."""
    lossy = measured(700, 50, sockets=sockets(20, opened=45, closed=5))
    (_, _, latency, _) = charts(report([row(HYBRID, lossy, workload=MIXED)]), MIXED)

    assert latency.bars[0].words == "20\xa0% of WebSockets were lost"


def test_a_long_name_or_reason_stays_in_the_drawing() -> None:
    """It is cut in the chart; the table has it whole."""
    chart = charts(
        report(
            [
                row(
                    "hybrid with a name that goes on and on and does not end",
                    measured(7e6, 12345.6),
                ),
                failed(WSGI, "a reason of many words " * 20),
            ]
        ),
        LOTS,
    )[1]
    svg = _drawn(chart)
    said = [each.text for each in svg.all("text")]

    assert max(map(len, said)) < 62
    assert [each.startswith("hybrid") for each in said if each.endswith("…")] == [True, False]


def test_the_scale_names_its_unit() -> None:
    """Each tick of it has one, from zero on."""
    said = [each.text for each in _drawn(charts(report(whole()), LOTS)[1]).all("text")]
    ticks = [each for each in said if each.endswith(" ms") and "·" not in each]

    assert ticks[0] == "0 ms"
    assert len(ticks) >= 3
