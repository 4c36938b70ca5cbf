"""The probes' answers: from what was observed of a stack to checks that pass or fail. All pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus

# supervisord's loop runs at least once a second.
LOOP_S = 10
# A master's loop, too; while it forks a large process it may take longer.
MASTER_S = 30
# A server that has not answered for so long is not busy: the import of a large project, too, and
# a request that waits for twice its timeout, have ended by then.
HUNG_S = 120
# What the edge answers without a stack takes no time.
EDGE_BUSY_S = 5


class Outcome(StrEnum):
    """The result of a check; a warning does not fail a probe."""

    PASS = "pass"  # noqa: S105 - not a password
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check of a probe; ``reason`` is a sentence, empty if it passes."""

    name: str
    outcome: Outcome = Outcome.PASS
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeReport:
    """The answer of a probe."""

    checks: tuple[Check, ...]

    @property
    def passes(self) -> bool:
        """Whether no check has failed."""
        return all(each.outcome is not Outcome.FAIL for each in self.checks)

    def as_json(self) -> dict[str, object]:
        """Return the body of the answer; docs/how-to/health.md describes it."""
        status = Outcome.PASS if self.passes else Outcome.FAIL
        checks = {each.name: _entry(each) for each in self.checks}
        return {"status": status.value, "checks": checks}


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerHealth:
    """
    What is known of one server: of a stack's, or of the edge.

    ``uptime_s`` is that of its program, None if it does not run. ``unanswered_s`` is the time since
    the first request that it left without an answer, 0 if it answers. A server that is listening
    takes connections, or its queue is full. It may be busy for ``patience_s``.
    ``failing_s`` is the time since the first of its last answers with a status of failure, such as
    ``status``; 0 if the last one has none.
    """

    name: str
    uptime_s: float | None
    unanswered_s: float
    is_listening: bool
    patience_s: float
    failing_s: float = 0.0
    status: int = HTTPStatus.OK


@dataclass(frozen=True, slots=True, kw_only=True)
class StackHealth:
    """
    What is known of a stack at one moment.

    ``loop_age_s`` is the time since supervisord's loop has run, ``master_age_s`` since the loop of
    the shared master has, each None where there is none. ``migrations`` is the check of the
    migrations, None where they are ignored.
    """

    is_started: bool
    is_stopping: bool
    loop_age_s: float | None
    master_age_s: float | None
    servers: tuple[ServerHealth, ...]
    migrations: Check | None = None


def livez(health: StackHealth) -> ProbeReport:
    """
    Return whether everything is alive: fail only where a restart of the container would help.

    A program that has ended does not count, as supervisord restarts it; nor a server that is busy,
    nor any service that the project needs.
    """
    checks = []
    if health.loop_age_s is not None:
        checks.append(_loop("supervisord", health.loop_age_s, LOOP_S))
    # Programs that start, or stop one after the other, have their own deadlines.
    if health.is_started and not health.is_stopping:
        if health.master_age_s is not None:
            checks.append(_loop("master", health.master_age_s, MASTER_S))
        checks += map(_alive, health.servers)
    return ProbeReport(checks=tuple(checks))


def readyz(health: StackHealth) -> ProbeReport:
    """Return whether a request that arrives now will be served."""
    if health.is_stopping:
        return ProbeReport(checks=(_failed("stop", "The stack is stopping."),))
    migrations = [health.migrations] if health.migrations else []
    return ProbeReport(checks=(*_startup(health), *map(_ready, health.servers), *migrations))


def startupz(health: StackHealth) -> ProbeReport:
    """Return whether the first generation has been live."""
    servers = () if health.is_started else map(_ready, health.servers)
    return ProbeReport(checks=(*_startup(health), *servers))


def all_answer(servers: Iterable[ServerHealth]) -> bool:
    """Return whether each of the servers has just answered, and none with a failure."""
    return all(
        each.uptime_s is not None and not each.unanswered_s and not each.failing_s
        for each in servers
    )


def _startup(health: StackHealth) -> Iterator[Check]:
    if health.is_started:
        yield Check(name="start")
    else:
        yield _failed("start", "The first generation is not live yet.")


def _ready(server: ServerHealth) -> Check:
    name = server.name
    if server.uptime_s is None:
        return _failed(name, "Its program does not run.")
    if not server.unanswered_s:
        return _answering(server)
    if not server.is_listening:
        return _failed(name, "It does not listen.")
    if server.unanswered_s > server.patience_s:
        return _failed(name, _no_answer(server))
    return Check(name=name, outcome=Outcome.WARN, reason=f"{_no_answer(server)} It is busy.")


def _answering(server: ServerHealth) -> Check:
    if not server.failing_s:
        return Check(name=server.name)
    reason = f"It answers with status {server.status:d}."
    # A server with its own limit answers so while it is busy.
    is_busy = server.status == HTTPStatus.SERVICE_UNAVAILABLE
    if is_busy and server.failing_s <= server.patience_s:
        return Check(name=server.name, outcome=Outcome.WARN, reason=f"{reason} It is busy.")
    return _failed(server.name, reason)


def _alive(server: ServerHealth) -> Check:
    if server.uptime_s is None:
        reason = "Its program does not run; supervisord restarts it."
        return Check(name=server.name, outcome=Outcome.WARN, reason=reason)
    if not server.unanswered_s:
        return Check(name=server.name)
    # Not the time before its last start: it may end again and again, as without its database.
    silent_s = min(server.unanswered_s, server.uptime_s)
    is_hung = silent_s > max(HUNG_S, 2 * server.patience_s)
    outcome = Outcome.FAIL if is_hung else Outcome.WARN
    return Check(name=server.name, outcome=outcome, reason=_no_answer(server))


def _no_answer(server: ServerHealth) -> str:
    return f"It has not answered for {server.unanswered_s:.0f} s."


def _loop(name: str, age_s: float, limit_s: float) -> Check:
    if age_s <= limit_s:
        return Check(name=name)
    return _failed(name, f"Its loop has not run for {age_s:.0f} s.")


def _failed(name: str, reason: str) -> Check:
    return Check(name=name, outcome=Outcome.FAIL, reason=reason)


def _entry(check: Check) -> dict[str, str]:
    entry = {"status": check.outcome.value}
    return {**entry, "reason": check.reason} if check.reason else entry
