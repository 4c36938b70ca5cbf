"""What a workload's numbers come to, in words."""

from collections.abc import Callable, Sequence

from django_tandem.bench.measured import Report, Row
from django_tandem.bench.page.reasons import reason
from django_tandem.bench.page.telling import roughly, row_of, times, title_of, topologies
from django_tandem.bench.ratios import P99, REQUESTS, SOCKET_P99, Figure, Ratio, median, ratio
from django_tandem.bench.workload import Workload

# As many others are compared one by one; of more, the two at the ends.
ONE_BY_ONE = 3
# A ratio this close to 1 is no difference.
NEAR = 0.05
# A ratio that differs more than this from round to round is not told without its bounds.
STEADY = 1.25

# A ratio and a title → a part of a sentence.
Say = Callable[[Ratio, str], str]


def sentences(report: Report, workload: Workload) -> tuple[str, ...]:
    """Return what the baseline does beside the others, and what can't be said."""
    baseline = row_of(report, workload, report.baseline)
    figures = (REQUESTS, P99) if workload.path is not None else ()
    wanted = (*figures, SOCKET_P99) if workload.sockets else figures
    told = [each for each in wanted if median(baseline, each) is not None]
    said = [_told_of(report, workload, baseline, each, is_first=each is told[0]) for each in told]
    return (*said, *_missing(report, baseline, wanted))


def _told_of(
    report: Report, workload: Workload, baseline: Row, figure: Figure, *, is_first: bool
) -> str:
    value = roughly(median(baseline, figure) or 0)
    title = title_of(report, report.baseline)
    if figure is REQUESTS:
        others = _others(report, workload, lambda row: ratio(baseline, row, figure))
        return _sentence(f"{title} answers", others, _as_many) or (
            f"{title} answers {value} requests a second."
        )
    others = _others(report, workload, lambda row: ratio(row, baseline, figure))
    whose = f"The {_named(figure)} of {title}" if is_first else f"Its {_named(figure)}"
    start = f"{whose} is {value} {figure.unit}"
    return _sentence(f"{start};", others, _as_long) or f"{start}."


def _others(
    report: Report, workload: Workload, ratio_of: Callable[[Row], Ratio | None]
) -> list[tuple[Ratio, str]]:
    found = []
    for name in topologies(report):
        over = ratio_of(row_of(report, workload, name))
        if over and name != report.baseline:
            found.append((over, title_of(report, name)))
    return sorted(found, key=lambda each: each[0].median)


def _sentence(start: str, others: Sequence[tuple[Ratio, str]], say: Say) -> str:
    if not others:
        return ""
    ends = others if len(others) <= ONE_BY_ONE else (others[0], others[-1])
    parts = [say(ratio, title) for ratio, title in reversed(ends)]
    rest = len(others) - len(ends)
    between = f"; the {'other is' if rest == 1 else f'{rest} others are'} between" if rest else ""
    return f"{start} {_joined(parts)}{between}."


def _joined(parts: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))


def _as_many(over: Ratio, title: str) -> str:
    bounds = _bounds(over)
    if _is_even(over):
        return f"about as many requests{bounds and f' ({bounds} times)'} as {title}"
    return f"{times(over.median)}{bounds and f' ({bounds})'} times the requests of {title}"


def _as_long(over: Ratio, title: str) -> str:
    bounds = _bounds(over)
    if _is_even(over):
        return f"that of {title} is about the same{bounds and f' ({bounds} times)'}"
    return f"that of {title} is {times(over.median)}{bounds and f' ({bounds})'} times as long"


def _is_even(over: Ratio) -> bool:
    """Tell whether the two are nearly the same, or the rounds disagree on which is more."""
    return abs(over.median - 1) < NEAR or over.low <= 1 <= over.high


def _bounds(over: Ratio) -> str:
    if over.high <= over.low * STEADY:
        return ""
    return f"{times(over.low)} to {times(over.high)}"


def _missing(report: Report, baseline: Row, wanted: Sequence[Figure]) -> list[str]:
    """Say why there is nothing to compare with; the others are told by their charts."""
    lacks = next((each for each in wanted if median(baseline, each) is None), None)
    if lacks is None:
        return []
    who = "It" if lacks is not wanted[0] else title_of(report, report.baseline)
    why = reason(report, baseline, lacks).rstrip(".")
    return [f"{who} has no {_named(lacks)} to compare the others with: {why}."]


def _named(figure: Figure) -> str:
    return figure.title.replace("socket", "WebSocket")
