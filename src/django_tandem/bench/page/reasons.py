"""Why there is no number, or fewer than there might be, in words."""

from collections import Counter
from collections.abc import Iterable

from django_tandem.bench.measured import Report, Round, Row, SocketRound
from django_tandem.bench.page.telling import share
from django_tandem.bench.ratios import MEMORY, Figure

NO_SOCKETS = "it has no WebSockets"
SOCKET_FIGURES = ("socket_p50_ms", "socket_p99_ms")


def reason(report: Report, row: Row, figure: Figure) -> str:
    """Return why ``row`` has no such number."""
    if not row.rounds:
        return row.failure or _unable(report, row) or "not measured"
    if figure.name in SOCKET_FIGURES:
        return _no_sockets(_sockets(row))
    return _whole("no request was answered", (each.driven.why for each in row.rounds))


def remarks(report: Report, row: Row) -> tuple[str, ...]:
    """Return what to know of a row beside its numbers: what failed in it, and what it lacks."""
    sockets = _sockets(row)
    return tuple(
        filter(
            None,
            (
                _fewer(report, len(row.rounds)),
                row.failure,
                _counted("requests", (each.driven.why for each in row.rounds)),
                _counted("WebSockets", (each.why for each in sockets)),
            ),
        )
    )


def in_short(report: Report, row: Row, figure: Figure) -> str:
    """Return the same in the few words that a chart has room for."""
    measured = sum(figure.read(each) is not None for each in row.rounds)
    fewer = _fewer(report, measured)
    if figure is MEMORY:
        return fewer
    sockets = figure.name in SOCKET_FIGURES
    lost = _share_lost(_sockets(row)) if sockets else _share_failed(row.rounds)
    what = "WebSockets were lost" if sockets else "requests failed"
    said = f"{share(lost)} of {what}" if lost else ""
    return ", ".join(filter(None, (fewer, said)))


def rounds_of(report: Report) -> int:
    """Return how many rounds the most complete row has."""
    return max((len(row.rounds) for row in report.rows), default=0)


def _unable(report: Report, row: Row) -> str:
    """Tell that it was not asked for WebSockets alone, since it has none elsewhere either."""
    wanted = {each.name: each for each in report.workloads}
    asked = wanted.get(row.workload)
    if asked is None or asked.path is not None:
        return ""
    elsewhere = (each for each in report.rows if each.topology == row.topology and each.rounds)
    has_none = any(not _sockets(each) and wanted[each.workload].sockets for each in elsewhere)
    return NO_SOCKETS if has_none else ""


def _fewer(report: Report, count: int) -> str:
    most = rounds_of(report)
    return f"{count} of {most} rounds" if count < most else ""


def _sockets(row: Row) -> list[SocketRound]:
    return [each.driven.sockets for each in row.rounds if each.driven.sockets is not None]


def _share_failed(rounds: Iterable[Round]) -> float:
    counts = [(each.driven.failed, each.driven.answered) for each in rounds]
    failed, answered = (sum(column) for column in zip(*counts, strict=True))
    return failed / (failed + answered) if failed else 0.0


def _share_lost(sockets: Iterable[SocketRound]) -> float:
    lost = sum(each.wanted - each.opened + each.closed for each in sockets)
    return lost / sum(each.wanted for each in sockets) if lost else 0.0


def _no_sockets(sockets: list[SocketRound]) -> str:
    if not sockets:
        return NO_SOCKETS
    opened = any(each.opened for each in sockets)
    said = "no WebSocket was answered" if opened else "no WebSocket could be opened"
    return _whole(said, (each.why for each in sockets))


def _whole(said: str, kinds: Iterable[Iterable[tuple[str, int]]]) -> str:
    why = _total(kinds)
    return f"{said}: {', '.join(why)}" if why else said


def _counted(what: str, kinds: Iterable[Iterable[tuple[str, int]]]) -> str:
    total = _total(kinds)
    said = ", ".join(f"{why} ({count:,})" for why, count in total.most_common())
    return f"{what} that failed, in all rounds: {said}" if said else ""


def _total(kinds: Iterable[Iterable[tuple[str, int]]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for one_round in kinds:
        for why, count in one_round:
            total[why] += count
    return total
