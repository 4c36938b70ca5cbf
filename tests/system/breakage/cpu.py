"""Breakages of the CPU time of requests, of its delay, and of what blocks an event loop."""

from breakage.mutant import Mutant

CPU_TIME = "tests/unit/handler/test_cpu_time.py"
CPU_DELAY = "tests/unit/handler/test_cpu_delay.py"
LAYERS = "tests/unit/inprocess/test_scoreboard_layers.py"
AGGREGATES = "tests/unit/monitor/test_aggregates.py"
COUNTERS = "tests/unit/monitor/test_counters.py"

MUTANTS = (
    Mutant(
        name="the threads of a request not counted",
        file="inprocess/scoreboard_layers.py",
        old='if environ.get("wsgi.multithread") is False:',
        new="if False:",
        tests=(LAYERS,),
    ),
    Mutant(
        name="the CPU time of a body not counted",
        file="inprocess/scoreboard.py",
        old="self._body_cpu_us[route] += int(body.used_s * 1e6)",
        new="pass",
        tests=(LAYERS,),
    ),
    Mutant(
        name="the CPU time of bodies taken twice",
        file="monitor/counters.py",
        old="        self._body_cpu_us, self._body_delay_us = Counter(), Counter()\n",
        new="",
        tests=(COUNTERS,),
    ),
    Mutant(
        name="the CPU time of bodies added to no record",
        file="monitor/aggregates.py",
        old="            record.cpu_s += cpu_s\n",
        new="",
        tests=(AGGREGATES,),
    ),
    Mutant(
        name="a delayed step blocks the event loop",
        file="handler/cpu_time.py",
        old="max(0.0, took_s - (thread_delay() - self._loop_delay_began))",
        new="took_s",
        tests=(CPU_TIME,),
    ),
    Mutant(
        name="each short step blocks the event loop",
        file="handler/cpu_time.py",
        old="took_s < LEAST_BLOCKED_S or",
        new="",
        tests=(CPU_TIME,),
    ),
    Mutant(
        name="a forked process reads its parent's delay",
        file="handler/cpu_delay.py",
        old="    _of_thread.__dict__.clear()\n",
        new="    pass\n",
        tests=(CPU_DELAY,),
    ),
    Mutant(
        name="the delay of a request read that was not off the CPU",
        file="handler/cpu_time.py",
        old="self._own is None or off_s < LEAST_DELAY_S",
        new="self._own is None",
        tests=(CPU_TIME,),
    ),
    Mutant(
        name="the delay of a sample not that of all requests",
        file="handler/cpu_time.py",
        old="self._weight * min(",
        new="min(",
        tests=(CPU_TIME,),
    ),
    Mutant(
        name="the delay of each request read",
        file="handler/cpu_delay.py",
        old="self._requests / seconds / SAMPLES_PER_S",
        new="1.0",
        tests=(CPU_DELAY,),
    ),
    Mutant(
        name="the clocks read for each body",
        file="inprocess/scoreboard.py",
        old="time.monotonic() - self.headers_at < LEAST_BODY_CPU_S",
        new="False",
        tests=(LAYERS,),
    ),
    Mutant(
        name="each thread leaves an open file",
        file="handler/cpu_delay.py",
        old="            os.close(self._file)\n",
        new="            pass\n",
        tests=(CPU_DELAY,),
    ),
)
