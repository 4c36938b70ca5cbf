"""Breakages of what OpenTelemetry, Sentry and prometheus_client record of a project."""

from breakage.mutant import Mutant

FLUSH = "tests/system/telemetry/test_flush.py"
OWN_SDK = "tests/system/telemetry/test_own_sdk.py"
TRACES = "tests/system/telemetry/test_stack_traces.py"
PROMETHEUS = "tests/system/telemetry/test_stack_prometheus.py"

MUTANTS = (
    Mutant(
        name="spans of a worker that ends are lost",
        file="inprocess/telemetry.py",
        old="    atexit.register(_worker.flush)\n",
        new="",
        tests=(f"{FLUSH}::test_workers_of_the_shared_master_export_at_the_stop",),
    ),
    Mutant(
        name="spans of a process that multiprocessing has forked are lost",
        file="inprocess/telemetry.py",
        old='    if multiprocessing := sys.modules.get("multiprocessing.util"):',
        new='    if multiprocessing := sys.modules.get("no such module"):',
        tests=(f"{FLUSH}::test_each_server_exports_at_the_stop",),
    ),
    Mutant(
        name="a collector that does not answer delays the stop",
        file="inprocess/telemetry.py",
        old="        atexit.unregister(provider.shutdown)\n",
        new="        pass\n",
        tests=(f"{FLUSH}::test_a_collector_that_does_not_answer_delays_no_stop",),
    ),
    Mutant(
        name="the SDK starts in the master",
        file="inprocess/telemetry.py",
        old="        if self._master == os.getpid():\n",
        new="        if False:\n",
        tests=(f"{FLUSH}::test_each_server_exports_at_the_stop",),
    ),
    Mutant(
        name="the middleware of WSGI is in the settings when the handler of ASGI is made",
        file="inprocess/tracing.py",
        old="        instrumentor.uninstrument()\n    telemetry.undo_if_left",
        new="        pass\n    telemetry.undo_if_left",
        tests=(f"{TRACES}::test_a_request_is_one_span_of_the_clients_trace",),
    ),
    Mutant(
        name="spans beside a provider of the project's",
        file="inprocess/telemetry.py",
        old="                undo()\n",
        new="                pass\n",
        tests=(f"{OWN_SDK}::test_a_provider_that_is_set_after_the_fork_stays",),
    ),
    Mutant(
        name="a routed request is lost where Sentry is installed",
        file="inprocess/routed_request.py",
        old="        return getattr(request, _ATTRIBUTE, None)\n    if given",
        new="        setattr(request, _ATTRIBUTE, None)\n        return None\n    if given",
        tests=("tests/unit/inprocess/test_routed_request.py",),
    ),
    Mutant(
        name="gauges of workers that have ended stay",
        file="monitor/project_metrics.py",
        old='    if found is None or psutil.pid_exists(int(found["pid"])):\n',
        new="    if True:\n",
        tests=("tests/unit/monitor/test_project_metrics.py",),
    ),
    Mutant(
        name="the maximum of workers that have ended is added up",
        file="monitor/ended_processes.py",
        old='    "gauge_max": max,\n',
        new='    "gauge_max": _add,\n',
        tests=("tests/unit/monitor/test_ended_processes.py",),
    ),
    Mutant(
        name="the counts of a generation that has ended are not folded",
        file="runtime/drain.py",
        old="    prometheus_files.end_all_but(run_dir, running)\n",
        new="",
        tests=(f"{PROMETHEUS}::test_counters_do_not_decrease_when_a_generation_has_ended",),
    ),
    Mutant(
        name="metrics are written to holes of a file on a full file system",
        file="inprocess/metrics_file.py",
        old="        if not (is_private or _reserve(self._f.fileno(), capacity)):\n",
        new="        if False:\n",
        tests=("tests/unit/inprocess/test_metrics_file.py",),
    ),
    Mutant(
        name="files in shared memory that are in use are removed",
        file="inprocess/shared_memory.py",
        old="        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)\n",
        new="",
        tests=("tests/unit/inprocess/test_shared_memory.py",),
    ),
)
