"""How many watch a lot: in this process and the others, sent rarely, removed when killed."""

import asyncio
from collections.abc import Callable

import pytest
from channels.layers import BaseChannelLayer, get_channel_layer
from django.test import override_settings
from lots import BrokenLayer, amake_lot, greeted, layer, received, socket_of

from auctions import presence
from auctions.presence import GROUP, House
from auctions.watcher import Watcher

LOT = 7


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "AT_MOST_EVERY_S", 0.02)
    monkeypatch.setattr(presence, "SETTLING_S", 0.02)
    monkeypatch.setattr(presence, "BEAT_S", 0.1)
    monkeypatch.setattr(presence, "GONE_AFTER_S", 1.5)


class Shown(Watcher):
    """A watcher that keeps what it was sent."""

    def __init__(self) -> None:
        self.counts: list[int] = []
        super().__init__(self._note)

    async def _note(self, count: int) -> None:
        self.counts.append(count)

    async def until(self, count: int) -> None:
        await until(lambda: self.counts[-1:] == [count])


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not is_so():
            await asyncio.sleep(0.01)


async def _joined(house: House, count: int = 1) -> list[Shown]:
    watchers = [Shown() for _ in range(count)]
    for watcher in watchers:
        house.join(LOT, watcher)
    return watchers


async def _left(house: House, watchers: list[Shown]) -> None:
    for watcher in watchers:
        await house.leave(LOT, watcher)


def test_sockets_get_the_count_on_joining_and_as_others_join_and_leave() -> None:
    """The count follows the lot's greeting, and every change of it."""

    async def scenario() -> list[int]:
        lot, other = await amake_lot(), await amake_lot()
        first, second, elsewhere = socket_of(lot.pk), socket_of(lot.pk), socket_of(other.pk)
        assert (await greeted(first))["type"] == "lot"
        counts = [(await received(first, "presence"))["watching"]]
        await greeted(elsewhere)
        await greeted(second)
        counts += [(await received(each, "presence"))["watching"] for each in (first, second)]
        await second.disconnect()
        counts.append((await received(first, "presence"))["watching"])
        await first.disconnect()
        await elsewhere.disconnect()
        return counts

    assert asyncio.run(scenario()) == [1, 2, 2, 1]


def test_processes_count_together() -> None:
    """Each house stands for a process; one that begins is answered at once by the others."""

    async def scenario() -> list[int]:
        here, there = House(), House()
        mine = await _joined(here, 3)
        await mine[0].until(3)
        theirs = await _joined(there, 2)
        for watcher in mine + theirs:
            await watcher.until(5)
        counts = [watcher.counts[-1] for watcher in mine + theirs]
        await _left(there, theirs)
        await mine[0].until(3)
        counts.append(mine[0].counts[-1])
        await _left(here, mine)
        return counts

    assert asyncio.run(scenario()) == [5, 5, 5, 5, 5, 3]


def test_process_that_begins_does_not_show_its_own_count_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """After a reload the first page to come back does not see the house empty."""
    monkeypatch.setattr(presence, "SETTLING_S", 0.5)

    async def scenario() -> list[int]:
        here, there = House(), House()
        mine = await _joined(here, 3)
        await mine[0].until(3)
        (first,) = await _joined(there)
        await first.until(4)
        await _left(there, [first])
        await _left(here, mine)
        return first.counts

    assert asyncio.run(scenario()) == [4]


def test_killed_process_is_forgotten() -> None:
    """What it held was sent once, is counted, and expires when it is not sent again."""

    async def scenario() -> list[int]:
        here = House()
        (mine,) = await _joined(here)
        await mine.until(1)
        await _say_as_a_process({LOT: 5})
        await mine.until(6)
        await mine.until(1)
        await _left(here, [mine])
        return mine.counts

    assert asyncio.run(scenario()) == [1, 6, 1]


def test_changes_of_the_count_are_sent_at_most_so_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand who come at once are a few messages for each that is there, not a thousand."""
    monkeypatch.setattr(presence, "AT_MOST_EVERY_S", 0.5)
    monkeypatch.setattr(presence, "BEAT_S", 1.0)

    async def scenario() -> list[int]:
        here = House()
        (mine,) = await _joined(here)
        await mine.until(1)
        others = []
        for _ in range(10):
            others += await _joined(here, 100)
            await asyncio.sleep(0)
        await mine.until(1001)
        await _left(here, [mine, *others])
        return mine.counts

    counts = asyncio.run(scenario())

    assert (counts[0], counts[-1]) == (1, 1001)
    assert len(counts) <= 3


def test_slow_socket_holds_up_no_other_and_gets_the_newest() -> None:
    """One that takes its time to read gets the last count when it is ready, and not all."""

    async def scenario() -> list[int]:
        ready = asyncio.Event()
        slowly: list[int] = []

        async def send(count: int) -> None:
            slowly.append(count)
            await ready.wait()

        house, slow = House(), Watcher(send)
        house.join(LOT, slow)
        await until(lambda: slowly == [1])
        others = await _joined(house)
        await others[0].until(2)
        others += await _joined(house)
        await others[0].until(3)
        ready.set()
        await until(lambda: slowly == [1, 3])
        await _left(house, others)
        await house.leave(LOT, slow)
        return slowly

    assert asyncio.run(scenario()) == [1, 3]


def test_without_its_channel_layer_each_process_counts_its_own(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """With Redis away the page shows less, nothing fails, and the log says so once."""

    async def scenario() -> list[int]:
        here = House()
        (mine,) = await _joined(here)
        await mine.until(1)
        others = await _joined(here, 2)
        await mine.until(3)
        await _left(here, [mine, *others])
        return mine.counts

    with override_settings(CHANNEL_LAYERS=layer(BrokenLayer)):
        assert asyncio.run(scenario()) == [1, 3]
    assert [record.name for record in caplog.records] == ["auctions.presence"]


def test_process_whose_group_was_lost_joins_it_again() -> None:
    """A Redis that was restarted knows of no group."""

    async def scenario() -> int:
        here, there = House(), House()
        mine, theirs = await _joined(here), await _joined(there)
        await mine[0].until(2)
        get_channel_layer().groups.clear()
        await _joined(there)
        await mine[0].until(3)
        counts = mine[0].counts[-1]
        await _left(here, mine)
        await _left(there, theirs)
        return counts

    assert asyncio.run(scenario()) == 3


def test_last_one_out_leaves_nothing_behind() -> None:
    """No task, no group."""

    async def scenario() -> tuple[dict, int]:
        here = House()
        mine = await _joined(here, 2)
        await mine[0].until(2)
        await _left(here, mine)
        await until(lambda: len(asyncio.all_tasks()) == 1)
        return get_channel_layer().groups, here.watching(LOT)

    assert asyncio.run(scenario()) == ({}, 0)


async def _say_as_a_process(counts: dict[int, int]) -> None:
    layer: BaseChannelLayer = get_channel_layer()
    channel = await layer.new_channel()
    message = {"type": "watching", "process": channel, "counts": list(counts.items())}
    await layer.group_send(GROUP, message)
