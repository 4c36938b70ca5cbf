"""Breakages of the mailboxes of consumers: their bound, their order, and the threads they save."""

from breakage.mutant import Mutant

MAILBOX = "tests/unit/channels/test_mailbox.py"
CONSUMERS = "tests/unit/inprocess/test_consumers.py"
SLOW = "tests/unit/inprocess/test_slow_clients.py"

MUTANTS = (
    Mutant(
        name="mailbox without a bound",
        file="channels/mailbox.py",
        old="            if len(messages) >= self._bound:\n",
        new="            if False:\n",
        tests=(MAILBOX,),
    ),
    Mutant(
        name="burst taken for a slow client",
        file="channels/mailbox.py",
        old="            if monotonic() - self._mark_at < BURST_S:\n",
        new="            if False:\n",
        tests=(f"{MAILBOX}::test_a_burst_closes_no_socket",),
    ),
    Mutant(
        name="consumer taken for slow that never empties its mailbox",
        file="channels/mailbox.py",
        old="        elif self._until_mark <= 0:\n",
        new="        elif False:\n",
        tests=(f"{MAILBOX}::test_a_burst_closes_no_socket_that_always_has_a_message_waiting",),
    ),
    Mutant(
        name="handler left sending to a client that does not read",
        file="inprocess/consumers.py",
        old="        elif connection.sender is self._task and self._task is not None:\n",
        new="        elif False:\n",
        tests=(f"{SLOW}::test_a_handler_that_never_stops_sending_is_cancelled",),
    ),
    Mutant(
        name="slow handler cancelled",
        file="inprocess/consumers.py",
        old="        elif connection.sender is self._task and self._task is not None:\n",
        new="        elif self._task is not None:\n",
        tests=(f"{SLOW}::test_a_handler_that_is_slow_by_itself_finishes_before_the_disconnect",),
    ),
    Mutant(
        name="all messages of the layer before the socket's next event",
        file="inprocess/consumers.py",
        old="            await dispatch(self.take())\n",
        new="            while self:\n                await dispatch(self.take())\n",
        tests=(f"{CONSUMERS}::test_a_disconnect_does_not_wait_for_all_that_the_layer_has_sent",),
    ),
    Mutant(
        name="connections never closed",
        file="handler/switching.py",
        old="return due_at != math.inf and time.monotonic() >= due_at",
        new="return False",
        tests=(f"{CONSUMERS}::test_a_thread_is_taken_once_a_connection_is_due_to_be_closed",),
    ),
    Mutant(
        name="ended consumer kept for ever",
        file="handler/internals.py",
        old="    context = ThreadSensitiveContext()\n",
        new="    context = executor.kept = ThreadSensitiveContext()\n",
        tests=("tests/unit/handler/test_consumers.py::test_an_ended_consumer_is_forgotten",),
    ),
    Mutant(
        name="open transaction taken for no connection",
        file="handler/switching.py",
        old="        self.connections.due_at = 0.0\n",
        new="",
        tests=(f"{CONSUMERS}::test_a_thread_is_taken_while_a_transaction_is_open",),
    ),
)
