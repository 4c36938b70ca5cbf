"""Breakages of the ASGI handler: whose thread it is, what runs there, and when it returns."""

from breakage.mutant import Mutant

UNIT = "tests/unit/handler"
MODEL = f"{UNIT}/test_pool_model.py"
IN_EVERY_ORDER = f"{MODEL}::test_what_a_request_left_holds_its_thread_in_every_order"
TRANSACTIONS = f"{UNIT}/test_transactions.py"
LATE = f"{TRANSACTIONS}::test_a_transaction_of_a_task_that_outlives_its_request_is_whole"

MUTANTS = (
    Mutant(
        name="thread reclaimed with something left on it",
        file="handler/thread_lease.py",
        old="is_kept = self.has_leftovers and not self.is_request_over",
        new="is_kept = False",
        tests=(IN_EVERY_ORDER,),
    ),
    Mutant(
        name="thread returned in a transaction",
        file="handler/thread_lease.py",
        old="return is_owned or self.is_iterating",
        new="return self.is_iterating",
        tests=(LATE,),
    ),
    Mutant(
        name="transaction kept that no task can end",
        file="handler/thread_lease.py",
        old="self.has_transaction and self.owner() is not None",
        new="self.has_transaction",
        tests=(f"{TRANSACTIONS}::test_a_transaction_that_a_task_never_ends_is_rolled_back",),
    ),
    Mutant(
        name="late calls taken for those of the request",
        file="handler/thread_pool.py",
        old="call.is_late = lease.is_request_over",
        new="call.is_late = False",
        tests=(LATE,),
    ),
    Mutant(
        name="task runs on a thread with what its request left",
        file="handler/thread_lease.py",
        old=" or (self.queued_calls[0].is_of_task and self.has_run_request):",
        new=":",
        tests=(IN_EVERY_ORDER,),
    ),
    Mutant(
        name="handler's own call taken for one of a task",
        file="handler/thread_lease.py",
        old="return self.is_late and not self.is_own",
        new="return self.is_late",
        tests=(f"{UNIT}/test_endings.py", f"{UNIT}/test_transactions.py"),
    ),
    Mutant(
        name="end of the request ends its task's transaction",
        file="handler/thread_lease.py",
        old="self.has_run_request |= not self.running_call.is_late",
        new="self.has_run_request |= not self.running_call.is_of_task",
        tests=(TRANSACTIONS,),
    ),
    Mutant(
        name="transaction forgotten that was begun by hand",
        file="handler/leftovers.py",
        old='and connection.autocommit != connection.settings_dict["AUTOCOMMIT"]',
        new="and False",
        tests=(LATE,),
    ),
    Mutant(
        name="lease with a call in hand taken for idle",
        file="handler/thread_lease.py",
        old="return self.state in IDLE and self.running_call is None",
        new="return self.state in IDLE",
        tests=(f"{UNIT}/test_overflow.py", MODEL),
    ),
    Mutant(
        name="request that awaits its call taken for waiting",
        file="handler/thread_pool.py",
        old="if lease.state is LeaseState.RESUMING and not awaits_call:",
        new="if lease.state is LeaseState.RESUMING:",
        tests=(MODEL, f"{UNIT}/test_overflow.py"),
    ),
    Mutant(
        name="overflow not counted",
        file="handler/thread_pool.py",
        old="lease.pool_thread.is_overflow = True\n        self.overflow += 1",
        new="lease.pool_thread.is_overflow = True",
        tests=(IN_EVERY_ORDER,),
    ),
    Mutant(
        name="failed start not tried again",
        file="handler/thread_pool.py",
        old="error, self.start_error = self.start_error, None",
        new="error = self.start_error",
        tests=(
            f"{UNIT}/test_thread_pool.py::test_a_request_waits_for_a_thread_that_fails_to_start",
        ),
    ),
    Mutant(
        name="end of a request queued",
        file="handler/thread_pool.py",
        old="if call.is_final and not self.can_run(lease):",
        new="if False:",
        tests=(f"{UNIT}/test_endings.py",),
    ),
    Mutant(
        name="task that outlives its request rejected",
        file="handler/wait_queue.py",
        old="[lease for lease in self.leases if not lease.is_request_over]",
        new="list(self.leases)",
        tests=(f"{UNIT}/test_wait_queue.py",),
    ),
    Mutant(
        name="last in, first out",
        file="handler/wait_queue.py",
        old="return self.leases.popleft()",
        new="return self.leases.pop()",
        tests=(f"{UNIT}/test_wait_queue.py",),
    ),
    Mutant(
        name="thread returned with its transaction",
        file="handler/thread_pool.py",
        old="for task in (drop_open_transactions, *lease.on_release):",
        new="for task in lease.on_release:",
        tests=(f"{UNIT}/test_endings.py",),
    ),
    Mutant(
        name="any read taken for plain",
        file="handler/leftovers.py",
        old='and _is_plain(getattr(bound, "__self__", None))',
        new="",
        tests=(TRANSACTIONS,),
    ),
    Mutant(
        name="thread held until a slow client has read",
        file="handler/application.py",
        old="executor.has_thread and not self._needs_thread(response):",
        new="False:",
        tests=(f"{UNIT}/test_endings.py",),
    ),
    Mutant(
        name="disconnect raised as a cancellation",
        file="handler/application.py",
        old="if cancelled is not None and not listener.is_sole_cause:",
        new="if cancelled is not None:",
        tests=(f"{UNIT}/test_cancellation.py",),
    ),
    Mutant(
        name="cancellation by the server hidden",
        file="handler/cancellation.py",
        old="self.is_sole_cause = self.owner.uncancel() <= self.cancelling",
        new="self.is_sole_cause = True",
        tests=(f"{UNIT}/test_cancellation.py",),
    ),
    Mutant(
        name="instance with an added hook taken for known",
        file="handler/known_middleware.py",
        old="if declared is None or any(name in vars(instance) for name in HOOKS):",
        new="if declared is None:",
        tests=(f"{UNIT}/test_known_middleware.py",),
    ),
    Mutant(
        name="changed class taken for known",
        file="handler/known_middleware.py",
        old="if declared is None or not all(map(_is_unchanged, cls.__mro__[:-1])):",
        new="if declared is None:",
        tests=(f"{UNIT}/test_known_middleware.py",),
    ),
    Mutant(
        name="rewritten function taken for Django's",
        file="handler/internals.py",
        old="if known is None or known[0] is not function.__code__:",
        new="if known is None:",
        tests=(f"{UNIT}/test_instrumented.py",),
    ),
    Mutant(
        name="project run before the check for a thread",
        file="handler/segmented_handler.py",
        old="if self.always_needs_thread:",
        new="if False:",
        tests=(f"{UNIT}/test_wait_queue.py", f"{UNIT}/test_switching.py"),
    ),
    Mutant(
        name="rejection behind the project's middleware sent as 500",
        file="handler/segmented_handler.py",
        old="response.status_code == 500 and was_rejected()",
        new="False",
        tests=(f"{UNIT}/test_wait_queue.py",),
    ),
    Mutant(
        name="session saved on the event loop",
        file="handler/known_middleware.py",
        old="return bool(changed) and not session.is_empty()",
        new="return False",
        tests=(f"{UNIT}/test_conditions.py",),
    ),
    Mutant(
        name="open cache closed on the event loop",
        file="handler/application.py",
        old="or has_open_caches()",
        new="",
        tests=(f"{UNIT}/test_signals.py",),
    ),
)
