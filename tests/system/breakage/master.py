"""Breakages of the shared master: what its workers share, and when they are replaced."""

from breakage.mutant import Mutant

MASTER = "tests/system/master"

MUTANTS = (
    Mutant(
        name="what the project adds to logging runs in the master",
        file="servers/adapters/gunicorn_settings.py",
        old="    master_log.keep_apart(arbiter)\n",
        new="",
        tests=(
            f"{MASTER}/test_master_log.py"
            "::test_sentry_has_what_the_master_logs_and_no_thread_in_it",
        ),
    ),
    Mutant(
        name="a line of the master is written twice",
        file="servers/adapters/master_log.py",
        old="            each.setLevel(sys.maxsize)\n",
        new="            pass\n",
        tests=("tests/unit/servers/test_master_log.py",),
    ),
    Mutant(
        name="the log process outlives its master beside a worker",
        file="servers/adapters/master_log.py",
        old="        os.register_at_fork(after_in_child=self._close)\n",
        new="",
        tests=("tests/unit/servers/test_master_log.py",),
    ),
    Mutant(
        name="what the master logs last is lost",
        file="servers/adapters/master_log.py",
        old="        atexit.register(self._end)\n",
        new="",
        tests=("tests/unit/servers/test_master_log.py",),
    ),
    Mutant(
        name="prefix of the channels shared by all processes",
        file="inprocess/channel_layers.py",
        old="layer.client_prefix = uuid.uuid4().hex",
        new="pass",
        tests=(f"{MASTER}/test_master.py::test_processes_do_not_share_the_channels_of_a_layer",),
    ),
    Mutant(
        name="loop of Daphne left open",
        file="inprocess/prefork.py",
        old="        loop.close()",
        new="        pass",
        tests=(
            f"{MASTER}/test_preloading.py"
            "::test_daphne_among_the_applications_leaves_nothing_behind",
        ),
    ),
    Mutant(
        name="what the first request imports left behind",
        file="inprocess/first_request.py",
        old="    if obstacle:\n",
        new="    if False:\n",
        tests=(
            f"{MASTER}/test_preloading.py"
            "::test_a_context_processor_that_starts_a_thread_is_left_to_the_requests",
        ),
    ),
    Mutant(
        name="threads of the import not looked for",
        file="inprocess/prefork.py",
        old="if each is not threading.main_thread()",
        new="if False",
        tests=(f"{MASTER}/test_preloading.py::test_what_the_import_leaves_behind_is_named",),
    ),
    Mutant(
        name="workers that outlive their master",
        file="inprocess/worker_process.py",
        old="_libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)",
        new="0",
        tests=(f"{MASTER}/test_workers.py::test_all_workers_end_with_a_killed_master",),
    ),
    Mutant(
        name="Channels worker that ends at once taken for ready",
        file="runtime/health.py",
        old="each.is_ready and each.uptime_s >= UP_S",
        new="True",
        tests=(f"{MASTER}/test_channels.py::test_a_channels_worker_that_ends_at_once_is_silent",),
    ),
    Mutant(
        name="worker stopped twice with its master",
        file="servers/adapters/forked_workers.py",
        old="if not self.is_signalled:",
        new="if True:",
        tests=(f"{MASTER}/test_channels.py::test_a_killed_master_interrupts_no_consumer",),
    ),
    Mutant(
        name="memory torn down at the exit",
        file="inprocess/worker_process.py",
        old="if _is_finished:",
        new="if False:",
        tests=(
            f"{MASTER}/test_master.py::test_what_is_registered_for_the_exit_runs_in_a_worker_and_in_the_master",
        ),
    ),
    Mutant(
        name="old worker drained before the new one is ready",
        file="servers/adapters/recycling.py",
        old="spare.report.is_ready and not",
        new="not",
        tests=(
            "tests/unit/servers/test_recycling.py"
            "::test_the_old_worker_drains_once_the_new_one_is_ready",
        ),
    ),
    Mutant(
        name="kind restarted in a loop",
        file="servers/adapters/shared_arbiter.py",
        old="if time.monotonic() < self._not_before.get(kind.name, 0):",
        new="if False:",
        tests=(
            f"{MASTER}/test_workers.py"
            "::test_a_kind_that_ends_again_and_again_is_not_restarted_in_a_loop",
        ),
    ),
    Mutant(
        name="no stack of a blocked event loop",
        file="servers/adapters/shared_arbiter.py",
        old="self.kill_worker(pid, DUMP_SIGNAL)",
        new="pass",
        tests=(
            f"{MASTER}/test_workers.py"
            "::test_an_event_loop_blocked_in_c_code_is_replaced_and_located",
        ),
    ),
)
