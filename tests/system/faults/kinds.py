"""The kinds of request in the mix, each with the stack that serves it."""

import itertools
import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request; ``key`` is set when it has an effect that is counted afterwards."""

    kind: str
    method: str
    path: str
    key: str = ""
    form: dict[str, str] = field(default_factory=dict)
    lot: int = 0


# What a hundred requests are made of.
MIX = {
    "lot": 25,
    "version": 20,
    "async-version": 15,
    "slow": 5,
    "async-slow": 5,
    "mark": 12,
    "async-mark": 8,
    "bid": 10,
}
READ = {
    "lot": "/api/lots/1/",
    "version": "/faults/version/",
    "async-version": "/faults/async-version/",
    "slow": "/faults/slow/",
    "async-slow": "/faults/async-slow/",
}
# The sample lots that stay open for hours.
LOTS = tuple(range(6, 31))
ON_ASGI = ("async-version", "async-slow", "async-mark")


class Requests:
    """An endless mix, in an order that is the same each time."""

    def __init__(self) -> None:
        self._order = random.Random(4)  # the same mix in each run
        self._number = itertools.count(1)
        self._lots = list(LOTS)
        self._amount = itertools.count(10_000)

    def __iter__(self) -> Iterator[Request]:
        kinds, weights = list(MIX), list(MIX.values())
        while True:
            yield self._request(*self._order.choices(kinds, weights))

    def give_back(self, request: Request) -> None:
        """Let the next bid on the request's lot go out, now that this one was answered."""
        if request.lot:
            self._lots.append(request.lot)

    def _request(self, kind: str) -> Request:
        if kind in READ:
            return Request(kind=kind, method="GET", path=READ[kind])
        if kind == "bid" and self._lots:
            return self._bid(self._lots.pop(0))
        kind = "mark" if kind == "bid" else kind
        key = f"mark-{next(self._number)}"
        return Request(
            kind=kind, method="POST", path=f"/faults/{kind}/", key=key, form={"key": key}
        )

    def _bid(self, lot: int) -> Request:
        # Each above all before it, and one at a time on a lot: none has a reason to be refused.
        key = str(uuid.UUID(int=next(self._number)))
        return Request(
            kind="bid",
            method="POST",
            path=f"/api/lots/{lot}/bids/",
            key=key,
            form={"key": key, "amount": str(next(self._amount))},
            lot=lot,
        )
