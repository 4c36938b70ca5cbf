"""Breakages of how the kinds of a shared master's workers are planned, drained and shown."""

from breakage.mutant import Mutant

STACK = "tests/system/stack/test_shared_master.py"

MUTANTS = (
    Mutant(
        name="old Channels workers that consume until the end of the drain",
        file="runtime/drain.py",
        old="        supervisord.signal_program(run_dir, program, RETIRE_CHANNELS)",
        new="        pass",
        tests=(f"{STACK}::test_the_old_channels_workers_end_as_the_drain_begins",),
    ),
    Mutant(
        name="master stopped whose socket is still linked",
        file="runtime/reconcile.py",
        old="        and not any(socket in linked for socket in socket_names(program).values())\n",
        new="",
        tests=(
            "tests/unit/runtime/test_reconcile.py::test_a_master_with_a_linked_socket_is_not_stopped",
        ),
    ),
    Mutant(
        name="logs of the workers not followed",
        file="runtime/supervisor/plugin.py",
        old="        for log in log_names(event.process.config.name):\n",
        new="        for log in (event.process.config.name,):\n",
        tests=(f"{STACK}::test_each_kind_writes_its_own_log",),
    ),
    Mutant(
        name="kind that does not answer taken for ready",
        file="runtime/kind_status.py",
        old="return READY if does_work(planned[kind], workers) else UNANSWERED[status.state]",
        new="return READY",
        tests=(
            "tests/unit/runtime/test_workers.py::"
            "test_each_kind_has_its_workers_state_connections_and_restarts",
        ),
    ),
)
