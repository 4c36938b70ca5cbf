"""Rounds of each topology in turn, A B C A B C: what came of them, whatever happens meanwhile."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from django_tandem.bench.asking import ask
from django_tandem.bench.measured import Described, Row
from django_tandem.bench.stack import Running, running
from django_tandem.bench.topology import Topology
from django_tandem.bench.use import CountConnections, Watched
from django_tandem.bench.wire import Job
from django_tandem.bench.workload import Workload
from django_tandem.errors import RefusedError, TandemError

# The project may well have modules called as ours are: none is looked for where we stand.
DRIVER = (sys.executable, "-P", "-m", "django_tandem.bench.driver")
# What stands in the row of a topology that nothing of a workload can be asked of.
NO_WEBSOCKETS = "It has no WebSockets."
NOT_STARTED = "not started, for there is nothing to ask it for"

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """
    How a session goes: ``rounds`` of each, ``seconds`` long, after ``warm_s`` that do not count.

    ``driver`` is the command line of what asks, and ``count`` tells of the database.
    """

    rounds: int
    seconds: float
    warm_s: float
    count: CountConnections
    driver: Sequence[str] = DRIVER


@dataclass(kw_only=True)
class Session:
    """
    One comparison on its way, and what there is of it so far.

    ``step`` is told what begins, ``say`` what went wrong. ``is_asked`` leaves pairs out that
    nobody needs. A topology that does not start, or of
    which a program dies, takes part in no further round.
    """

    topologies: Sequence[Topology]
    workloads: Sequence[Workload]
    course: Course
    step: Say
    say: Say
    is_asked: Callable[[Topology, Workload], bool] = lambda _topology, _workload: True
    described: dict[str, Described] = field(default_factory=dict)
    rows: dict[tuple[str, str], Row] = field(default_factory=dict)
    is_cut: bool = False
    _out: set[str] = field(default_factory=set)

    def run(self) -> None:
        """Go through all rounds; Ctrl-C ends it, and what is finished is kept."""
        self._prepare()
        try:
            for number in range(1, self.course.rounds + 1):
                # There and back: who comes later in a round is not always the same.
                for topology in self.topologies[:: 1 if number % 2 else -1]:
                    if topology.name not in self._out:
                        self._turn(number, topology)
        except KeyboardInterrupt:
            self.is_cut = True

    def _prepare(self) -> None:
        pairs = [(workload, each) for workload in self.workloads for each in self.topologies]
        for workload, each in pairs:
            if self.is_asked(each, workload):
                why = "" if _asked(workload, each) else NO_WEBSOCKETS
                row = Row(workload=workload.name, topology=each.name, failure=why)
                self.rows[workload.name, each.name] = row
        for each in self.topologies:
            rows = [row for row in self.rows.values() if row.topology == each.name]
            if all(row.failure for row in rows):
                self.described[each.name] = each.described(NOT_STARTED)
                self._out.add(each.name)

    def _turn(self, number: int, topology: Topology) -> None:
        self.step(f"Round {number} of {self.course.rounds}: starting {topology.title}")
        try:
            with running(topology) as stack:
                self.described.setdefault(topology.name, topology.described(stack.what))
                for workload in self.workloads:
                    self._measure(number, topology, stack, workload)
        except TandemError as error:
            self._fail(topology, error.message)
        except Exception as error:  # noqa: BLE001 - whatever it is, what was finished is kept
            self._fail(topology, f"{type(error).__name__}: {error}")

    def _measure(self, number: int, topology: Topology, stack: Running, workload: Workload) -> None:
        asked = _asked(workload, topology)
        if asked is None or (workload.name, topology.name) not in self.rows:
            return
        self.step(f"Round {number} of {self.course.rounds}: {topology.title}, {workload.name}")
        job = Job(
            url=stack.url,
            workload=asked,
            seconds=self.course.seconds,
            warm_s=self.course.warm_s,
        )
        found = ask(self.course.driver, job, lambda: self._watching(number, topology, stack))
        _refuse_dead(number, stack)
        key = (workload.name, topology.name)
        row = self.rows[key]
        self.rows[key] = replace(
            row,
            rounds=(*row.rounds, found),
            numbers=(*row.numbers, number),
        )

    def _watching(self, number: int, topology: Topology, stack: Running) -> Watched:
        # What died while it was warmed has no leaders to watch.
        _refuse_dead(number, stack)
        return Watched(
            stack.supervisord.pid,
            stack.leaders,
            self.course.count,
            counts_root=topology.is_supervised,
        )

    def _fail(self, topology: Topology, why: str) -> None:
        self.say(f"{topology.title}: {why}")
        self._out.add(topology.name)
        for key, row in self.rows.items():
            if row.topology == topology.name and not row.failure:
                self.rows[key] = replace(row, failure=why)


def _asked(workload: Workload, topology: Topology) -> Workload | None:
    """Return what of ``workload`` can be asked of ``topology``, None when nothing can."""
    if topology.has_websockets or workload.sockets is None:
        return workload
    return replace(workload, sockets=None) if workload.path else None


def _refuse_dead(number: int, stack: Running) -> None:
    if died := stack.deaths():
        raise RefusedError(f"In round {number}: {died}", hint="Its rounds before that are kept.")
