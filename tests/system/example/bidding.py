"""A storm of bids on one lot with sockets watching it, and whether all saw the same auction."""

import asyncio
import itertools
import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import aiohttp

ROOM = 3  # so many neighbours in the queue change places, for some bids must be refused


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Seen:
    """A bid as somebody was shown it."""

    sequence: int
    amount: Decimal
    bidder: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the bidders were answered, what is stored, and what each socket received."""

    accepted: tuple[Seen, ...]
    # Accepted bids that were answered a second time, under their key.
    repeated: tuple[Seen, ...]
    refused: int
    failures: tuple[str, ...]
    stored: tuple[Seen, ...]
    best: Seen
    current_price: Decimal
    received: tuple[tuple[Seen, ...], ...]

    def complaints(self) -> list[str]:
        """List, in words, every rule of the auction that was broken; empty when none was."""
        invented = [bid for bid in self.repeated if bid not in self.accepted]
        return [
            *self.failures,
            *(f"answered as a repeat and never accepted: {bid}" for bid in invented),
            *_differences("stored", self.stored, self.accepted),
            *_price_complaints(self),
            *itertools.chain.from_iterable(
                _differences(f"socket {number}", seen, self.accepted)
                for number, seen in enumerate(self.received)
            ),
        ]


async def storm(
    base_url: str, lot: int, tokens: Sequence[str], *, bids: int = 200, sockets: int = 20
) -> Outcome:
    """
    Place `bids` on a lot at once while `sockets` watch, then one more to end it.

    `base_url` is like http://127.0.0.1:8000. The owners of `tokens` bid in turn, and
    every tenth bid is sent twice under one key; nobody else may bid in the meantime. Raises
    TimeoutError when a socket has not seen the last bid 60 s after it was accepted.
    """
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0),
        timeout=aiohttp.ClientTimeout(total=120),
        headers={"Origin": base_url},
    ) as session:
        api = f"{base_url}/api/lots/{lot}/"
        before = await _lot(session, api)
        watchers = await asyncio.gather(
            *(_watch(session, f"{base_url}/ws/lots/{lot}/") for _ in range(sockets))
        )
        answers = await _bid_at_once(session, api, Decimal(before["current_price"]), bids, tokens)
        received = await asyncio.gather(
            *(_all_up_to(watcher, _last_sequence(answers)) for watcher in watchers)
        )
        after, stored = await _lot(session, api), await _stored(session, api)
    return _outcome(before, after, answers, stored, received)


async def _bid_at_once(
    session: aiohttp.ClientSession,
    api: str,
    price: Decimal,
    bids: int,
    tokens: Sequence[str],
) -> list[tuple[int, dict]]:
    amounts = _nearly_rising([price + step for step in range(1, bids + 1)])
    last = _body(price + bids + 1)
    answers = await asyncio.gather(
        *(
            _bid(session, api, token, bid)
            for number, (amount, token) in enumerate(zip(amounts, itertools.cycle(tokens)))
            for bid in [_body(amount)] * (2 if number % 10 == 0 else 1)
        )
    )
    # What comes twice comes before this one, so who has seen it has nothing more to come.
    return [*answers, await _bid(session, api, tokens[0], last)]


def _nearly_rising(amounts: list[Decimal]) -> list[Decimal]:
    order = random.Random(1)  # the same storm each time
    rooms = [amounts[n : n + ROOM] for n in range(0, len(amounts), ROOM)]
    for room in rooms:
        order.shuffle(room)
    return list(itertools.chain.from_iterable(rooms))


def _body(amount: Decimal) -> dict[str, str]:
    return {"amount": str(amount), "key": str(uuid.uuid4())}


async def _bid(
    session: aiohttp.ClientSession, api: str, token: str, bid: dict[str, str]
) -> tuple[int, dict]:
    headers = {"Authorization": f"Token {token}"}
    async with session.post(f"{api}bids/", json=bid, headers=headers) as response:
        if response.content_type == "application/json":
            return response.status, await response.json()
        return response.status, {"detail": (await response.text())[:200]}


async def _watch(session: aiohttp.ClientSession, url: str) -> aiohttp.ClientWebSocketResponse:
    socket = await session.ws_connect(url)
    greeting = await socket.receive_json(timeout=30)
    assert greeting["type"] == "lot", greeting
    return socket


async def _all_up_to(socket: aiohttp.ClientWebSocketResponse, sequence: int) -> list[Seen]:
    seen: list[Seen] = []
    async with asyncio.timeout(60):
        while not seen or seen[-1].sequence < sequence:
            message = await socket.receive_json()
            if message["type"] == "bid":
                seen.append(_seen(message["bid"]))
    await socket.close()
    return seen


async def _lot(session: aiohttp.ClientSession, api: str) -> dict:
    async with session.get(api, raise_for_status=True) as response:
        return await response.json()


async def _stored(session: aiohttp.ClientSession, api: str) -> list[Seen]:
    bids: list[Seen] = []
    url: str | None = f"{api}bids/?page_size=1000"
    while url:
        async with session.get(url, raise_for_status=True) as response:
            page = await response.json()
        bids += map(_seen, page["results"])
        url = page["next"]
    return sorted(bids)


def _outcome(before: dict, after: dict, answers: list, stored: list, received: list) -> Outcome:
    return Outcome(
        accepted=tuple(sorted(_seen(bid) for status, bid in answers if status == 201)),
        repeated=tuple(sorted(_seen(bid) for status, bid in answers if status == 200)),
        refused=sum(status == 409 for status, _ in answers),
        failures=tuple(
            f"a bid was answered {status}: {answer}"
            for status, answer in answers
            if status not in {200, 201, 409}
        ),
        stored=tuple(bid for bid in stored if bid.sequence > before["last_sequence"]),
        best=_seen(after["best_bid"]),
        current_price=Decimal(after["current_price"]),
        received=tuple(map(tuple, received)),
    )


def _seen(bid: dict) -> Seen:
    return Seen(sequence=bid["sequence"], amount=Decimal(bid["amount"]), bidder=bid["bidder"])


def _last_sequence(answers: list[tuple[int, dict]]) -> int:
    return max(bid["sequence"] for status, bid in answers if status == 201)


def _differences(who: str, seen: tuple[Seen, ...], accepted: tuple[Seen, ...]) -> list[str]:
    if seen == accepted:
        return []
    numbers = [bid.sequence for bid in seen]
    missing = [bid.sequence for bid in accepted if bid not in seen]
    twice = sorted({sequence for sequence in numbers if numbers.count(sequence) > 1})
    unknown = [bid.sequence for bid in seen if bid not in accepted]
    order = "in order" if numbers == sorted(numbers) else "out of order"
    return [f"{who}: missing {missing}, twice {twice}, never accepted {unknown}, {order}"]


def _price_complaints(outcome: Outcome) -> list[str]:
    highest = max(bid.amount for bid in outcome.accepted)
    amounts = [bid.amount for bid in outcome.accepted]
    rising = all(lower < higher for lower, higher in itertools.pairwise(amounts))
    complaints = [] if rising else [f"accepted bids do not rise: {amounts}"]
    if not outcome.current_price == outcome.best.amount == highest:
        complaints.append(
            f"highest accepted is {highest}, the lot says {outcome.current_price} "
            f"and its best bid is {outcome.best.amount}"
        )
    return complaints
