"""A burst takes as long as it takes, and a Redis that hangs is an error all the same."""

import asyncio

import pytest
from redis.exceptions import TimeoutError as RedisTimeoutError

from django_tandem.channels.command_slots import CommandSlots
from django_tandem.channels.redis_limits import TIMEOUT_S

STEP_S = 0.25


class SteppedLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock the test sets."""

    now = 0.0

    def time(self):
        return self.now

    async def pass_time(self, seconds):
        """Let time pass in steps, each with the turns of what is due."""
        until = self.now + seconds
        while self.now < until:
            self.now = min(self.now + STEP_S, until)
            await self.take_turns()

    async def take_turns(self):
        for _ in range(50):
            await asyncio.sleep(0)


def run(test):
    with asyncio.Runner(loop_factory=SteppedLoop) as runner:
        return runner.run(test(runner.get_loop()))


async def hold_until(slots, event):
    async with slots.hold():
        await event.wait()


def test_a_command_waits_for_its_slot_while_others_succeed() -> None:
    """However long the queue before it is."""

    async def test(loop):
        slots, turns = CommandSlots(1), [asyncio.Event() for _ in range(5)]
        waiting = [asyncio.ensure_future(hold_until(slots, each)) for each in turns]
        await loop.take_turns()
        for turn in turns:
            await loop.pass_time(TIMEOUT_S - 1)
            turn.set()
        await asyncio.gather(*waiting)
        return loop.now

    assert run(test) > 2 * TIMEOUT_S


def test_all_commands_time_out_where_none_succeeds() -> None:
    """Those that wait for a slot too, each after the same time."""

    async def test(loop):
        slots, never = CommandSlots(2), asyncio.Event()
        commands = [asyncio.ensure_future(hold_until(slots, never)) for _ in range(20)]
        await loop.take_turns()
        await loop.pass_time(TIMEOUT_S - 1)
        were_done = any(each.done() for each in commands)
        await loop.pass_time(1.1)
        return were_done, await asyncio.gather(*commands, return_exceptions=True)

    were_done, errors = run(test)
    assert not were_done
    assert {type(each) for each in errors} == {RedisTimeoutError}
    assert {str(each) for each in errors} == {"Redis did not answer within 5 s."}


def test_a_command_that_is_cancelled_in_the_queue_leaves_the_slots_free() -> None:
    """The next one gets the slot."""

    async def test(loop):
        slots, ends = CommandSlots(1), asyncio.Event()
        first, second, third = (asyncio.ensure_future(hold_until(slots, ends)) for _ in range(3))
        await loop.take_turns()
        second.cancel()
        ends.set()
        await asyncio.gather(first, third)
        with pytest.raises(asyncio.CancelledError):
            await second

    run(test)


def test_an_event_loop_that_was_blocked_reads_the_answers_that_wait() -> None:
    """As by a burst of tasks: Redis has answered in time, and the next commands have theirs."""

    async def test(loop):
        slots, ends = CommandSlots(1), asyncio.Event()
        commands = [asyncio.ensure_future(hold_until(slots, ends)) for _ in range(3)]
        await loop.take_turns()
        loop.now += 2 * TIMEOUT_S
        for _ in range(3):
            await asyncio.sleep(0)
        ends.set()
        assert await asyncio.gather(*commands, return_exceptions=True) == [None, None, None]

    run(test)
