"""The loop of the shift's program: lines of the edge → samples → decisions → the split."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from django_tandem.errors import MachineError, RefusedError
from django_tandem.inprocess.access_log import header_text
from django_tandem.model.shifts import SHIFTED_FILE, Shift, ShiftState, route_id
from django_tandem.monitor.requests_file import RequestsFile
from django_tandem.runtime import shifts as store
from django_tandem.runtime.state import read_state
from django_tandem.runtime.waiting import report
from django_tandem.shift.decision import Action, Decision, decide
from django_tandem.shift.samples import Sample, StepSamples, parse

# A route that fails on trial is to be taken back before many requests of it have failed.
POLL_S = 0.01
# The figures of `tandem shift --status`, and what only the time changes.
CONSIDER_S = 1.0


class Watcher:
    """The shifts of one run directory, and the samples of their present steps."""

    def __init__(self, run_dir: Path, clock: Callable[[], float] = time.time) -> None:
        self._run_dir = run_dir
        self._clock = clock
        self._lines = RequestsFile(run_dir / SHIFTED_FILE)
        # By stack and id of the route, with the beginning of the step that they are of.
        self._samples: dict[tuple[str, str], tuple[float, StepSamples]] = {}
        self._considered_at = 0.0

    def run(self) -> None:
        """Watch until no shift is left to watch."""
        self._considered_at = 0.0
        while self.watch_once():
            time.sleep(POLL_S)

    def watch_once(self) -> bool:
        """Read the new lines and act on them; return whether a shift is left to watch."""
        shifts = [each for each in store.read(self._run_dir) if each.is_watched]
        for each in shifts:
            self._fit_samples(each)
        has_new = self._read()
        now = self._clock()
        if has_new or now - self._considered_at >= CONSIDER_S or not shifts:
            self._considered_at = now
            self._consider(now)
        return bool(shifts)

    def _fit_samples(self, shift: Shift) -> None:
        key = key_of(shift)
        began_s, samples = self._samples.get(key, (0.0, StepSamples()))
        if began_s != shift.step_began_s:
            # At 100 % nobody is at home: its requests of the step before are what there is.
            samples.restart(keeps_home=shift.percent == 100)
        self._samples[key] = (shift.step_began_s, samples)

    def _read(self) -> bool:
        has_new = False
        while lines := self._lines.read():
            for line in lines:
                has_new = self._add(line) or has_new
        return has_new

    def _add(self, line: str) -> bool:
        try:
            sample: Sample | None = parse(line)
        except ValueError:
            # Cut by a full disk, most likely.
            return False
        found = self._samples.get((sample.stack, sample.route)) if sample else None
        if sample is None or found is None:
            return False
        found[1].add(sample)
        return True

    def _consider(self, now: float) -> None:
        generation = self._generation()
        with store.changing(self._run_dir) as shifts:
            considered = [
                self._considered(each, generation, now) if each.is_watched else each
                for each in shifts
            ]
            for before, after in zip(shifts, considered, strict=True):
                _report_change(before, after)
            shifts[:] = considered

    def _generation(self) -> int:
        try:
            state = read_state(self._run_dir)
        except MachineError:
            # While it is damaged, what it held before still runs.
            return 0
        return state.generation if state else 0

    def _considered(self, shift: Shift, generation: int, now: float) -> Shift:
        if generation and generation != shift.generation:
            # Other code than the samples are of.
            return replace(shift, generation=generation, step_began_s=now)
        began_s, samples = self._samples.get(key_of(shift), (0.0, None))
        if samples is None or began_s != shift.step_began_s:
            # A command has just begun it, or another step.
            return shift
        decision = decide(shift, samples.sides, now)
        seen = replace(
            shift,
            at_home=samples.figures(of_trial=False),
            on_trial=samples.figures(of_trial=True),
        )
        return follow(seen, decision, now)


def key_of(shift: Shift) -> tuple[str, str]:
    """Return what the lines of the edge name a shift by."""
    return shift.to.value, route_id(header_text(shift.route))


def follow(shift: Shift, decision: Decision, now: float) -> Shift:
    """Return the shift as the decision leaves it."""
    if decision.action is Action.ROLL_BACK:
        return replace(
            shift,
            state=ShiftState.ROLLED_BACK,
            reason=decision.reason,
            requests=decision.requests,
            exceptions=decision.exceptions,
        )
    if decision.action is Action.WAIT or shift.state is ShiftState.PAUSED:
        return replace(shift, reason=decision.reason or shift.reason)
    if not shift.is_last_step:
        return replace(shift, step=shift.step + 1, step_began_s=now, reason="")
    if shift.percent == 100:
        reason = f"{shift.to.upper()} has served all of its requests for {shift.every_s:.0f} s."
        return replace(shift, state=ShiftState.DONE, reason=reason)
    return replace(shift, reason=f"Both sides are alike, and {shift.percent} % is its last step.")


def _report_change(before: Shift, after: Shift) -> None:
    if (before.state, before.percent) == (after.state, after.percent):
        return
    name = f"{after.route} to {after.to.upper()}"
    if after.state is ShiftState.RUNNING:
        report(f"{name}: {after.percent} % of its clients, {before.percent} % before.")
    else:
        shown = f" Requests: {', '.join(after.requests)}." if after.requests else ""
        report(f"{name}: {after.state}. {after.reason}{shown}")


def watch(run_dir: Path) -> None:
    """Watch the shifts of ``run_dir``; return when none is left, or the disk is full."""
    watcher = Watcher(run_dir)
    try:
        watcher.run()
    except (OSError, RefusedError) as error:
        # supervisord starts another one.
        report(f"The shifts can't be watched: {error}")
