"""The ASGI handler that serves, and its threads, in a sentence for each generation."""

from collections.abc import Iterable
from dataclasses import asdict
from itertools import groupby

from django_tandem.cli import console
from django_tandem.inprocess.handler_status import OURS, HandlerStatus

COUNTS = ("size", "idle", "queued", "overflow", "rejected")


def row(status: HandlerStatus) -> dict[str, object]:
    """Return what `--json` prints of one process."""
    return asdict(status)


def lines(found: Iterable[HandlerStatus]) -> list[str]:
    """Return the sentences, after an empty line; none before the first request."""
    ordered = sorted(found, key=lambda each: each.generation)
    sentences = [
        _sentence(generation, list(group))
        for generation, group in groupby(ordered, key=lambda each: each.generation)
    ]
    return ["", *sentences] if sentences else []


def _sentence(generation: int, found: list[HandlerStatus]) -> str:
    begin = f"The ASGI handler of generation {generation} is"
    if any(each.handler != OURS for each in found):
        return f"{begin} Django's own."
    total = {name: sum(getattr(each, name) for each in found) for name in COUNTS}
    threads = console.counted(total["size"], "thread")
    overflow = console.counted(total["overflow"], "overflow thread")
    queued = console.counted(total["queued"], "request")
    return (
        f"{begin} django-tandem's: {threads} ({total['idle']} idle), {overflow}, "
        f"{queued} queued and {total['rejected']} rejected."
    )
