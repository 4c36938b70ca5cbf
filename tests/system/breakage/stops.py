"""Breakages of a stop: when each program ends, and how each connection does."""

from breakage.mutant import Mutant

SHUTDOWN = "tests/unit/runtime/supervisor/test_shutdown.py"
WEBSOCKET = "tests/unit/inprocess/test_websocket_connection.py"

MUTANTS = (
    Mutant(
        name="stop that is not marked",
        file="runtime/supervisor/shutdown.py",
        old="(self._run_dir / STOPPING_FILE).touch(mode=0o600)",
        new="pass",
        tests=(f"{SHUTDOWN}::test_a_stack_serves_during_the_delay",),
    ),
    Mutant(
        name="readiness that ignores a stop",
        file="render/templates/nginx/ready.conf.j2",
        old="if (-f stopping)",
        new="if (-f stopped)",
        tests=(
            "tests/system/stack/test_stopping.py"
            "::test_a_stop_serves_during_its_delay_and_leaves_sockets_open",
        ),
    ),
    Mutant(
        name="edge that supervisord stops during the delay",
        file="runtime/supervisor/shutdown.py",
        old="self._supervisord.stop_groups = []",
        new="pass",
        tests=(f"{SHUTDOWN}::test_a_stack_serves_during_the_delay",),
    ),
    Mutant(
        name="server with its own time at a stop",
        file="runtime/supervisor/shutdown.py",
        old="min(left_s, process.config.stopwaitsecs)",
        new="process.config.stopwaitsecs",
        tests=(f"{SHUTDOWN}::test_a_stop_gives_each_program_until_its_moment",),
    ),
    Mutant(
        name="reload's own deadline at a stop",
        file="runtime/supervisor/shutdown.py",
        old="min(process.delay, time.time() + left_s)",
        new="process.delay",
        tests=(f"{SHUTDOWN}::test_a_program_that_a_reload_is_stopping_ends_with_the_stack",),
    ),
    Mutant(
        name="Channels workers that consume until the servers stop",
        file="runtime/supervisor/shutdown.py",
        old="        self._retire_channels()\n",
        new="",
        tests=(f"{SHUTDOWN}::test_the_channels_workers_of_a_master_finish_from_the_beginning",),
    ),
    Mutant(
        name="Ctrl-C as SIGTERM",
        file="runtime/supervisor/shutdown.py",
        old="self._is_interactive = True",
        new="pass",
        tests=(f"{SHUTDOWN}::test_ctrl_c_skips_the_delay_and_closes_connections_within_a_second",),
    ),
    Mutant(
        name="timer left at the end of supervisord",
        file="runtime/supervisor/event_loop.py",
        old="signal.setitimer(signal.ITIMER_REAL, 0)",
        new="pass",
        tests=(
            "tests/unit/runtime/supervisor/test_event_loop.py::test_a_closed_pipe_leaves_no_timer",
        ),
    ),
    Mutant(
        name="stopped supervisord that does not continue",
        file="runtime/supervisord.py",
        old="    send_signal(supervisord, signal.SIGCONT)",
        new="    pass",
        tests=("tests/system/stack/test_killed.py::test_down_continues_a_stopped_supervisord",),
    ),
    Mutant(
        name="connection that waits closed as any other",
        file="inprocess/open_connections.py",
        old="DrainMode.WAIT: (0.85, 0.95)",
        new="DrainMode.WAIT: (0.0, 0.9)",
        tests=(
            f"{WEBSOCKET}::test_one_that_waits_is_left_open_until_the_end_of_the_window",
            f"{WEBSOCKET}::test_a_drain_may_have_one_mode_for_all_paths",
        ),
    ),
    Mutant(
        name="drain that a consumer learns of twice",
        file="inprocess/websocket_connection.py",
        old="not (self._is_over or self._is_announced)",
        new="not self._is_over",
        tests=(f"{WEBSOCKET}::test_one_that_waits_is_left_open_until_the_end_of_the_window",),
    ),
    Mutant(
        name="replica that does not wait for its predecessors",
        file="runtime/reconcile.py",
        old="any(is_named(each, process.name) for each in replaced)",
        new="process.program.replace('-2', '-1') in replaced",
        tests=(
            "tests/unit/runtime/test_reconcile.py"
            "::test_a_replica_waits_for_every_replica_of_its_predecessor",
        ),
    ),
)
