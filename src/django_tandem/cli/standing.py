"""How the programs of a running stack are shown: a row each, for people and for programs."""

from dataclasses import dataclass

from django_tandem.cli import console
from django_tandem.cli.sentences import duration, told
from django_tandem.inprocess import draining
from django_tandem.model import Stack
from django_tandem.runtime.generations import generation_of
from django_tandem.runtime.programs import Duty, Program
from django_tandem.runtime.snapshot import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What is shown of one program; docs/reference/status.md says what each of it means."""

    program: str
    generation: int | None
    duty: str
    stack: str
    state: str
    pid: int | None
    uptime_s: int | None
    cpu_percent: float | None
    memory_pss_mb: float | None
    memory_rss_mb: float | None
    restarts: int
    connections: int | None
    left_s: float | None
    what: str
    detail: str


def facts(now: Snapshot) -> dict[str, object]:
    """Return what is known of the stack, units in the names."""
    return {
        "url": now.state.url,
        "pid": now.pid,
        "run_dir": str(now.run_dir),
        "generation": now.state.generation,
        "generation_age_s": now.age_s,
        "is_ready": now.is_ready,
        "reload_pid": now.reload_pid,
        "processes": [row(program, now) for program in now.programs],
    }


def row(program: Program, now: Snapshot, before: Snapshot | None = None) -> Row:
    """Return what is known of one program; its CPU since ``before``, or over its life."""
    status, process = program.status, program.process
    usage = now.usages.get(status.pid)
    generation = generation_of(status.name)
    drains = program.duty is Duty.DRAINING
    return Row(
        program=status.name,
        generation=generation or None,
        duty=program.duty.value,
        stack=_stack(program),
        state=program.state,
        pid=status.pid or None,
        uptime_s=status.since_s if status.pid else None,
        cpu_percent=_cpu_percent(program, now, before),
        memory_pss_mb=_rounded(usage.pss_mb) if usage else None,
        memory_rss_mb=_rounded(usage.rss_mb) if usage else None,
        restarts=now.restarts.get(status.name, 0),
        connections=program.connections,
        left_s=_rounded(draining.left_s(now.run_dir, generation)) if drains else None,
        what=process.role if process else "",
        # What was said of its last end is of no interest once it runs again.
        detail="" if status.pid else status.detail,
    )


def show(now: Snapshot, before: Snapshot | None = None) -> None:
    """Print how the generations stand, and the programs; their CPU since ``before``."""
    for sentence in told(now):
        console.line_out(sentence)
    console.line_out("")
    cpu = "CPU (LIFE)" if before is None else "CPU (NOW)"
    console.table(
        ("PROGRAM", "STACK", "STATE", "PID", "UP", cpu, "MEMORY", "DIED", "HOLDS", "WHAT"),
        (_cells(row(program, now, before)) for program in now.programs),
    )


def _cells(each: Row) -> tuple[str, ...]:
    is_told = each.duty in (Duty.SERVING, Duty.DRAINING)
    return (
        each.program,
        each.stack,
        each.state if is_told else f"{each.state}, {each.duty}",
        _shown(each.pid),
        "" if each.uptime_s is None else duration(each.uptime_s),
        _shown(each.cpu_percent, " %"),
        _shown(each.memory_pss_mb, " MB") or _shown(each.memory_rss_mb, " MB RSS"),
        _shown(each.restarts or None, " times" if each.restarts > 1 else " time"),
        _shown(each.connections),
        each.detail or each.what,
    )


def _shown(number: float | None, unit: str = "") -> str:
    return "" if number is None else f"{number}{unit}"


def _stack(program: Program) -> str:
    if program.process is not None:
        return program.process.stack.value if program.process.stack else ""
    # The plan of a generation is forgotten once it is replaced.
    name = program.status.name.rpartition("-")[0]
    return name if name in {stack.value for stack in Stack} else ""


def _cpu_percent(program: Program, now: Snapshot, before: Snapshot | None) -> float | None:
    pid = program.status.pid
    usage, earlier = now.usages.get(pid), before.usages.get(pid) if before else None
    if usage is None:
        return None
    if before is None or earlier is None:
        return _rounded(100 * usage.cpu_s / max(1, program.status.since_s))
    # A child that has ended takes its time with it until it is waited for.
    spent_s = max(0.0, usage.cpu_s - earlier.cpu_s)
    return _rounded(100 * spent_s / (now.at_s - before.at_s))


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 1)
