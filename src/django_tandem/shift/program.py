"""The loop of the shift's program: lines of the edge → samples → decisions → the split."""

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from django_tandem.errors import MachineError, RefusedError
from django_tandem.inprocess.access_log import header_text
from django_tandem.model.shifts import SHIFTED_FILE, Shift, ShiftState, route_id
from django_tandem.monitor.requests_file import RequestsFile
from django_tandem.runtime import shifts as store
from django_tandem.runtime.state import read_state
from django_tandem.runtime.waiting import report
from django_tandem.shift.decision import Action, Decision, decide, lacks_home
from django_tandem.shift.samples import Sample, Sides, StepSamples, parse

# A route that fails on trial is to be rolled back before many requests of it have failed.
POLL_S = 0.01
# A decision takes milliseconds of CPU time. One about a failure waits for none of these.
CONSIDER_S = 0.05
# The figures of `tandem shift --status`, and what only the time changes.
SHOW_S = 1.0
RELOADED = "A reload has restarted this step, as it may have changed the code."


@dataclass(slots=True, kw_only=True)
class _Step:
    """The samples of a step, which began at ``began_s`` with the code of ``generation``."""

    began_s: float
    generation: int
    samples: StepSamples


class Watcher:
    """The shifts of one run directory, and the samples of their present steps."""

    def __init__(self, run_dir: Path, clock: Callable[[], float] = time.time) -> None:
        self._run_dir = run_dir
        self._clock = clock
        self._lines = RequestsFile(run_dir / SHIFTED_FILE)
        # By stack and id of the route.
        self._steps: dict[tuple[str, str], _Step] = {}
        self._considered_at = self._shown_at = 0.0
        self._has_new = False

    def run(self) -> None:
        """Watch until no request is split."""
        while self.watch_once():
            # One that is done is not compared, and the edge writes its lines until it is pinned.
            time.sleep(POLL_S if self._steps else SHOW_S)

    def watch_once(self) -> bool:
        """Read the new lines and act on them; return whether requests are split."""
        shifts = store.read(self._run_dir)
        self._steps = {key_of(each): self._step_of(each) for each in shifts if each.is_watched}
        has_failed = self._read()
        now = self._clock()
        is_split = any(each.percent for each in shifts)
        is_due = not is_split or not 0 <= now - self._shown_at < SHOW_S
        is_ready = self._has_new and now - self._considered_at >= CONSIDER_S
        if has_failed or is_ready or is_due:
            self._consider(now, is_due=is_due)
        return is_split

    def _step_of(self, shift: Shift) -> _Step:
        step = self._steps.get(key_of(shift))
        if step is not None and step.began_s == shift.step_began_s:
            return step
        samples = step.samples if step else StepSamples()
        # At 100 % nobody is at home: its requests of the step before are what there is, unless
        # they are of other code.
        is_same_code = step is not None and step.generation == shift.generation
        samples.restart(keeps_home=shift.percent == 100 and is_same_code)
        return _Step(began_s=shift.step_began_s, generation=shift.generation, samples=samples)

    def _read(self) -> bool:
        """Add the new samples; return whether one has failed on trial."""
        has_failed = False
        while lines := self._lines.read():
            for line in lines:
                has_failed = self._add(line) or has_failed
        return has_failed

    def _add(self, line: str) -> bool:
        try:
            sample: Sample | None = parse(line)
        except ValueError:
            # Cut by a full disk, most likely.
            return False
        step = self._steps.get((sample.stack, sample.route)) if sample else None
        # One that began earlier is of another share, another shift or other code.
        if sample is None or step is None or sample.at - sample.took_s < step.began_s:
            return False
        step.samples.add(sample)
        self._has_new = True
        return sample.is_trial and sample.is_failed

    def _consider(self, now: float, *, is_due: bool) -> None:
        self._considered_at, self._has_new = now, False
        self._shown_at = now if is_due else self._shown_at
        generation = self._generation()
        with store.changing(self._run_dir) as shifts:
            before = tuple(shifts)
            considered = [
                self._considered(each, generation, now, is_due=is_due) if each.is_watched else each
                for each in shifts
            ]
            shifts[:] = _ended_first(before, considered)
            after = tuple(shifts)
        for old, new in zip(before, after, strict=True):
            _report_change(old, new)

    def _generation(self) -> int:
        try:
            state = read_state(self._run_dir)
        except MachineError:
            # While it is damaged, what it held before still runs.
            return 0
        return state.generation if state else 0

    def _considered(self, shift: Shift, generation: int, now: float, *, is_due: bool) -> Shift:
        if now < shift.step_began_s:
            # The clock was set back: the step has no samples that are surely newer.
            return replace(shift, step_began_s=now)
        if generation and generation != shift.generation:
            # Other code than the samples are of.
            return replace(shift, generation=generation, step_began_s=now, step_note=RELOADED)
        step = self._steps.get(key_of(shift))
        if step is None or step.began_s != shift.step_began_s:
            # A command has just begun it, or another step.
            return shift
        sides = step.samples.sides
        decision = decide(shift, sides, now)
        if not is_due and decision.action is not Action.ROLL_BACK:
            return shift
        seen = replace(
            shift,
            at_home=step.samples.figures(of_trial=False),
            on_trial=step.samples.figures(of_trial=True),
        )
        if decision.action is Action.WAIT and _can_go_back(seen, sides):
            note = _why_back(seen)
            return replace(seen, step=seen.step - 1, step_began_s=now, reason="", step_note=note)
        return follow(seen, decision, now)


def key_of(shift: Shift) -> tuple[str, str]:
    """Return what the lines of the edge name a shift by."""
    return shift.to.value, route_id(header_text(shift.route))


def _can_go_back(shift: Shift, sides: Sides) -> bool:
    """Return whether a step at 100 % has too few requests at home, unlike the one before it."""
    is_alone = shift.percent == 100 and shift.step > 0 and lacks_home(shift, sides)
    return is_alone and shift.state is ShiftState.RUNNING


def _why_back(shift: Shift) -> str:
    after, fate = (
        ("A reload", "may be of other code")
        if shift.step_note
        else ("A restart of the program that compares", "are lost")
    )
    return (
        f"{after} took it back from 100 %: {shift.home.upper()} gets no requests there to compare "
        f"with, and those of the step before {fate}."
    )


def follow(shift: Shift, decision: Decision, now: float) -> Shift:
    """Return the shift as the decision leaves it."""
    if decision.action is Action.ROLL_BACK:
        ended = shift.end(ShiftState.ROLLED_BACK, decision.reason, now)
        return replace(ended, requests=decision.requests, exceptions=decision.exceptions)
    if decision.action is Action.WAIT or shift.state is ShiftState.PAUSED:
        return replace(shift, reason=decision.reason or shift.reason)
    if not shift.is_last_step:
        return replace(shift, step=shift.step + 1, step_began_s=now, reason="", step_note="")
    if shift.percent == 100:
        reason = f"{shift.to.upper()} has served all of its requests for {shift.every_s:.0f} s."
        return replace(shift, state=ShiftState.DONE, reason=reason)
    return replace(shift, reason=f"Both sides are alike, and {shift.percent} % is its last step.")


def _ended_first(before: Sequence[Shift], considered: Sequence[Shift]) -> list[Shift]:
    """Return the shifts with those changes alone that end one, if any: these need no space."""
    pairs = list(zip(before, considered, strict=True))
    if any(old.percent and not new.percent for old, new in pairs):
        return [old if new.percent else new for old, new in pairs]
    return list(considered)


def _report_change(before: Shift, after: Shift) -> None:
    if (before.state, before.percent) == (after.state, after.percent):
        return
    name = f"{after.route} to {after.to.upper()}"
    if after.state is ShiftState.RUNNING:
        share = f"{after.percent} % of its clients, {before.percent} % before."
        _log(f"{name}: {share} {after.step_note}".rstrip())
    else:
        shown = f" Requests: {', '.join(after.requests)}." if after.requests else ""
        _log(f"{name}: {after.state}. {after.reason}{shown}")


def _log(line: str) -> None:
    # A full disk has no room for it, and the shifts are watched as before.
    with contextlib.suppress(OSError):
        report(line)


def watch(run_dir: Path) -> None:
    """Watch the shifts of ``run_dir``; return when none splits requests, or the disk is full."""
    watcher = Watcher(run_dir)
    try:
        watcher.run()
    except (OSError, RefusedError) as error:
        # supervisord starts another one.
        _log(f"The shifts can't be watched: {error}")
