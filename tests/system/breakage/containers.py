"""Breakages of process 1 of a container, and of signals that come early."""

from breakage.mutant import Mutant

EARLY = "tests/unit/runtime/test_early_signals.py"

MUTANTS = (
    Mutant(
        name="stop lost while supervisord is imported",
        file="runtime/start.py",
        old="    early_signals.block_signals()\n",
        new="",
        tests=(
            "tests/system/stack/test_ending.py::"
            "test_a_signal_before_supervisord_handles_it_is_not_lost[SIGTERM]",
        ),
    ),
    Mutant(
        name="stop lost between fork and exec",
        file="runtime/early_signals.py",
        old="signal.signal(each, signal.SIG_DFL)",
        new="pass",
        tests=(f"{EARLY}::test_a_signal_between_fork_and_exec_ends_the_child[15]",),
    ),
    Mutant(
        name="start ended by a log rotation",
        file="runtime/early_signals.py",
        old="signal.signal(each, lambda *_: None)",
        new="pass",
        tests=(f"{EARLY}::test_a_signal_to_reopen_logs_does_not_end_a_start",),
    ),
    Mutant(
        name="supervisord ended by a log rotation",
        file="runtime/early_signals.py",
        old="signal.SIG_BLOCK, STOPS | REOPENS",
        new="signal.SIG_BLOCK, STOPS",
        tests=(f"{EARLY}::test_a_signal_to_reopen_logs_waits_too_and_is_no_stop",),
    ),
    Mutant(
        name="process 1 not proved",
        file="runtime/identity.py",
        old="if self.pid < FIRST_PID or",
        new="if self.pid < LOWEST_PID or",
        tests=(
            "tests/unit/runtime/test_identity.py::"
            "test_the_first_process_is_verified_and_gets_no_signal",
        ),
    ),
)
