"""What is said of a running stack's generations: which serves, which drains, which may come."""

from collections.abc import Iterator

from django_tandem.inprocess import draining
from django_tandem.runtime.generations import generation_of
from django_tandem.runtime.programs import Duty
from django_tandem.runtime.snapshot import Snapshot


def told(now: Snapshot) -> Iterator[str]:
    """Yield a sentence for each generation, and for a reload on its way."""
    state = now.state
    yield (
        f"Generation {state.generation} has served {state.url} for {duration(now.age_s)} "
        f"(supervisord has pid {now.pid})."
    )
    for generation in _generations(now, Duty.DRAINING):
        yield _drains(now, generation)
    if now.reload_pid is not None:
        names = ", ".join(each.status.name for each in now.on(Duty.CANDIDATE))
        starts = f": it has started {names}" if names else ""
        yield f"A reload is on its way, with pid {now.reload_pid}{starts}."
    for generation in _generations(now, Duty.LEFT_BEHIND):
        yield f"Generation {generation} was left behind by a reload that was killed; it is ended."


def duration(seconds: int) -> str:
    """Return a time in its two largest units, such as ``2 h 5 min``."""
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if days:
        return f"{days} d {hours % 24} h"
    if hours:
        return f"{hours} h {minutes % 60} min"
    return f"{minutes} min {seconds % 60} s" if minutes else f"{seconds} s"


def _generations(now: Snapshot, duty: Duty) -> list[int]:
    return sorted({generation_of(each.status.name) for each in now.on(duty)})


def _drains(now: Snapshot, generation: int) -> str:
    programs = [
        each for each in now.on(Duty.DRAINING) if generation_of(each.status.name) == generation
    ]
    # What has no number, such as the embedded Valkey, may be of no more use after a reload.
    who = f"Generation {generation}" if generation else programs[0].status.name
    left_s = draining.left_s(now.run_dir, generation)
    within = "" if left_s is None else f" for {left_s:.0f} s at most"
    holds = [f"{each.status.name} holds {each.connections}" for each in programs]
    known = [line for line, each in zip(holds, programs, strict=True) if each.connections]
    return f"{who} drains{within}: {', '.join(known) or 'it holds no connection'}."
