"""Rounds of each topology in turn, A B C then C B A: their results, and the failures among them."""

import contextlib
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import IO

from django_tandem.bench.launch import RunningTopology, running
from django_tandem.bench.resources import CountConnections, ResourceSampler
from django_tandem.bench.results import ResultRow, Round, TopologySummary
from django_tandem.bench.topology import Topology
from django_tandem.bench.workload import FINISHED, STARTED, Job, Workload, decode_result, encode
from django_tandem.errors import RefusedError, TandemError

# -P: the project in the working directory may have modules of the same names.
DRIVER = (sys.executable, "-P", "-m", "django_tandem.bench.driver")
NO_WEBSOCKETS = "It has no WebSockets."
NOT_STARTED = "not started: no workload applies to it"

# A driver may take this much longer than its job, to open WebSockets and for the last responses.
EXTRA_S = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """
    The rounds of a session: ``seconds`` each, after ``warm_s`` that do not count.

    ``driver`` is the load generator's command line, ``count`` counts database connections.
    """

    rounds: int
    seconds: float
    warm_s: float
    count: CountConnections
    driver: Sequence[str] = DRIVER


@dataclass(kw_only=True)
class Session:
    """
    One comparison, and its results so far.

    ``report_step`` gets a sentence at each step, ``report_failure`` one for each failure.
    ``is_needed`` can leave out combinations. A topology that does not start, or whose programs
    exit, takes part in no further round.
    """

    topologies: Sequence[Topology]
    workloads: Sequence[Workload]
    schedule: Schedule
    report_step: Callable[[str], None]
    report_failure: Callable[[str], None]
    is_needed: Callable[[Topology, Workload], bool] = lambda _topology, _workload: True
    summaries: dict[str, TopologySummary] = field(default_factory=dict)
    rows: dict[tuple[str, str], ResultRow] = field(default_factory=dict)
    was_cut: bool = False
    _excluded: set[str] = field(default_factory=set)

    def run(self) -> None:
        """Run all rounds; an interrupt ends the session, and finished rounds are kept."""
        self._prepare()
        try:
            for number in range(1, self.schedule.rounds + 1):
                # Alternate directions, so that no topology is always the last of a round.
                for topology in self.topologies[:: 1 if number % 2 else -1]:
                    if topology.name not in self._excluded:
                        self._run_topology(number, topology)
        except KeyboardInterrupt:
            self.was_cut = True

    def _prepare(self) -> None:
        pairs = [(workload, each) for workload in self.workloads for each in self.topologies]
        for workload, each in pairs:
            if self.is_needed(each, workload):
                why = "" if _applicable(workload, each) else NO_WEBSOCKETS
                row = ResultRow(workload=workload.name, topology=each.name, failure=why)
                self.rows[workload.name, each.name] = row
        for each in self.topologies:
            rows = [row for row in self.rows.values() if row.topology == each.name]
            if all(row.failure for row in rows):
                self.summaries[each.name] = each.summary(NOT_STARTED)
                self._excluded.add(each.name)

    def _run_topology(self, number: int, topology: Topology) -> None:
        self.report_step(f"Round {number} of {self.schedule.rounds}: starting {topology.title}")
        try:
            with running(topology) as stack:
                self.summaries.setdefault(topology.name, topology.summary(stack.what))
                for workload in self.workloads:
                    self._run_workload(number, topology, stack, workload)
        except TandemError as error:
            self._fail(topology, error.message)
        except Exception as error:  # noqa: BLE001 - the results so far are kept
            self._fail(topology, f"{type(error).__name__}: {error}")

    def _run_workload(
        self, number: int, topology: Topology, stack: RunningTopology, workload: Workload
    ) -> None:
        applicable = _applicable(workload, topology)
        key = (workload.name, topology.name)
        if applicable is None or key not in self.rows:
            return
        self.report_step(
            f"Round {number} of {self.schedule.rounds}: {topology.title}, {workload.name}"
        )
        job = Job(
            url=stack.url,
            workload=applicable,
            seconds=self.schedule.seconds,
            warm_s=self.schedule.warm_s,
        )

        def sampler() -> ResourceSampler:
            # A server that exited during the warm-up has no processes to sample.
            _raise_for_exits(number, stack)
            return ResourceSampler(
                stack, self.schedule.count, counts_supervisor=topology.is_supervised
            )

        finished = _run_driver(self.schedule.driver, job, sampler)
        _raise_for_exits(number, stack)
        row = self.rows[key]
        self.rows[key] = replace(
            row, rounds=(*row.rounds, finished), numbers=(*row.numbers, number)
        )

    def _fail(self, topology: Topology, why: str) -> None:
        self.report_failure(f"{topology.title}: {why}")
        self._excluded.add(topology.name)
        for key, row in self.rows.items():
            if row.topology == topology.name and not row.failure:
                self.rows[key] = replace(row, failure=why)


def _applicable(workload: Workload, topology: Topology) -> Workload | None:
    """Return the part of ``workload`` that ``topology`` can serve, None when there is none."""
    return workload if topology.has_websockets else workload.without_websockets()


def _raise_for_exits(number: int, stack: RunningTopology) -> None:
    if exits := stack.exits():
        raise RefusedError(f"In round {number}: {exits}", hint="Earlier rounds are kept.")


def _run_driver(
    argv: Sequence[str], job: Job, sample: Callable[[], AbstractContextManager[ResourceSampler]]
) -> Round:
    """
    Run the driver on a job, and sample the topology's resources once it is warm.

    Raises RefusedError with the last lines of a driver that ends without a result.
    """
    with (
        tempfile.TemporaryFile("w+") as errors,
        subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
        ) as process,
    ):
        limit = threading.Timer(job.warm_s + job.seconds + EXTRA_S, process.kill)
        # An interrupt can come before `finally` is reached: a daemon thread delays no exit.
        limit.daemon = True
        try:
            limit.start()
            _send(process, encode(job))
            _expect(STARTED, process, errors)
            with sample() as sampler:
                _expect(FINISHED, process, errors)
            result = _read_line(process)
            if process.wait() or not result:
                raise _failure(errors)
        finally:
            limit.cancel()
            process.kill()
    return Round(driven=decode_result(result), use=sampler.use)


def _send(process: subprocess.Popen[str], text: str) -> None:
    stdin, process.stdin = process.stdin, None
    if stdin is not None:
        # A driver that has already ended is reported when its output is read.
        with contextlib.suppress(BrokenPipeError), stdin:
            stdin.write(text)


def _expect(line: str, process: subprocess.Popen[str], errors: IO[str]) -> None:
    if _read_line(process) != f"{line}\n":
        raise _failure(errors)


def _read_line(process: subprocess.Popen[str]) -> str:
    return process.stdout.readline() if process.stdout is not None else ""


def _failure(errors: IO[str]) -> RefusedError:
    errors.seek(0)
    why = errors.read()[-500:].strip() or "it did not end in time"
    return RefusedError(f"The load generator failed: {why}", hint="This is a bug in tandem.")
