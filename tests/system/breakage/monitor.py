"""Breakages of the monitor: what is counted, when, and under which name."""

from breakage.mutant import Mutant

AGGREGATES = "tests/unit/monitor/test_aggregates.py"
COUNTERS = "tests/unit/monitor/test_counters.py"
FILE = "tests/unit/monitor/test_requests_file.py"
LINES = "tests/unit/monitor/test_request_lines.py"
POLICY = "tests/unit/runtime/supervisor/test_restart_policy.py"

MUTANTS = (
    Mutant(
        name="the part of a line is freed before its rest is read",
        file="monitor/requests_file.py",
        old="self._free(len(data) - len(rest) if end else len(rest))",
        new="self._free(len(data))",
        tests=(FILE,),
    ),
    Mutant(
        name="a truncated file is read from where its reader was",
        file="monitor/requests_file.py",
        old="        if size < self._offset:\n",
        new="        if size < 0:\n",
        tests=(FILE,),
    ),
    Mutant(
        name="a late line is dropped",
        file="monitor/aggregates.py",
        old="        ended: dict[int, Records] = self._late\n",
        new="        ended: dict[int, Records] = {}\n",
        tests=(AGGREGATES,),
    ),
    Mutant(
        name="a minute is closed before its last lines have arrived",
        file="monitor/aggregates.py",
        old="int(now if at_once else now - LATE_S)",
        new="int(now)",
        tests=(AGGREGATES,),
    ),
    Mutant(
        name="names of routes without a bound",
        file="monitor/aggregates.py",
        old="len(self._routes) >= MOST_ROUTES",
        new="False",
        tests=(AGGREGATES,),
    ),
    Mutant(
        name="the time in the queue is a worker's too",
        file="monitor/aggregates.py",
        old="max(0.0, worker_s - (queue_s or 0.0))",
        new="worker_s",
        tests=(AGGREGATES,),
    ),
    Mutant(
        name="the first stack of a handover has answered",
        file="monitor/request_lines.py",
        old="stack = second or first",
        new="stack = first",
        tests=(LINES,),
    ),
    Mutant(
        name="a duration of a WebSocket",
        file="monitor/counters.py",
        old="        if line.is_long:\n            return\n",
        new="",
        tests=(COUNTERS,),
    ),
    Mutant(
        name="a worker with the pid of another continues its counts",
        file="monitor/counters.py",
        old="(slot.pid, slot.started_at): slot",
        new="(slot.pid, 0.0): slot",
        tests=(COUNTERS,),
    ),
    Mutant(
        name="the monitor is given up, and the stack with it",
        file="runtime/supervisor/restart_policy.py",
        old="            is_optional(name)\n            or not",
        new="            not",
        tests=(POLICY,),
    ),
    Mutant(
        name="a route replaces one that is as busy",
        file="monitor/collected.py",
        old="            if occupied.get(older, 0.0) >= SHARE * occupied[newer]:\n",
        new="            if False:\n",
        tests=("tests/unit/monitor/test_collected.py",),
    ),
    Mutant(
        name="a monitor that hangs is ready",
        file="runtime/health.py",
        old="    if process.name == programs.MONITOR:\n        return _check_monitor\n",
        new="",
        tests=("tests/unit/runtime/test_health.py",),
    ),
    Mutant(
        name="the last hour is not read back",
        file="monitor/program.py",
        old="        await asyncio.to_thread(self._restore_last_hour)\n",
        new="",
        tests=("tests/unit/monitor/test_program.py",),
    ),
)
