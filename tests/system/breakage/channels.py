"""Breakages of the channel layer: lost members, messages that arrive twice, and hanging senders."""

from breakage.mutant import Mutant

LAYER = "tests/unit/channels/test_redis_layer.py"
LOCAL = "tests/unit/channels/test_local_channels.py"
SUBSCRIPTIONS = "tests/unit/channels/test_subscriptions.py"
CONNECTION = "tests/unit/channels/test_connection.py"
RIGHTS = "tests/unit/channels/test_rights.py"
SLOTS = "tests/unit/channels/test_command_slots.py"
SHARDS = "tests/unit/channels/test_shards.py"

MUTANTS = (
    Mutant(
        name="groups are not joined again",
        file="channels/subscriptions.py",
        old="        for name, confirmed in self._names.items():\n            self._write(",
        new="        for name, confirmed in ():\n            self._write(",
        tests=(f"{SUBSCRIPTIONS}::test_members_get_each_message_once_after_each_of_five_restarts",),
    ),
    Mutant(
        name="a sender does not wait for the subscriptions of its process",
        file="channels/connection.py",
        old="            if self.subscriptions.is_reconnecting:\n",
        new="            if False:\n",
        tests=(f"{SUBSCRIPTIONS}::test_members_get_each_message_once_after_each_of_five_restarts",),
    ),
    Mutant(
        name="a quiet connection is not tested",
        file="channels/subscriptions.py",
        old="            elif is_overdue:\n",
        new="            elif False:\n",
        tests=(f"{SUBSCRIPTIONS}::test_a_connection_that_is_lost_without_a_sign_is_replaced",),
    ),
    Mutant(
        name="a connection that Redis has closed is written to",
        file="channels/shards.py",
        old="    return bool(await can_read())\n",
        new="    return False\n",
        tests=(
            f"{SHARDS}::test_a_connection_that_redis_has_closed_is_replaced_by_the_next_command",
        ),
    ),
    Mutant(
        name="a command that moves with its slot fails",
        file="channels/shards.py",
        old="            except MOVED:\n",
        new="            except ZeroDivisionError:\n",
        tests=(f"{SHARDS}::test_a_slot_that_moves_takes_its_subscriptions_along",),
    ),
    Mutant(
        name="a message is published on a replica",
        file="channels/connection.py",
        old="redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', '(' .. ARGV[3])\n",
        new="",
        tests=(f"{CONNECTION}::test_a_group_reaches_the_members_at_a_new_master",),
    ),
    Mutant(
        name="subscriptions stay at a replica",
        file="channels/connection.py",
        old="        self.subscriptions.replace_connection(why, refused_at)\n",
        new="",
        tests=(f"{CONNECTION}::test_a_group_reaches_the_members_at_a_new_master",),
    ),
    Mutant(
        name="a process that sends nothing stays at a replica that hears nothing",
        file="channels/subscriptions.py",
        old="                self._on_idle()\n",
        new="",
        tests=(
            f"{CONNECTION}::test_a_process_that_sends_nothing_leaves_a_replica_without_its_master",
        ),
    ),
    Mutant(
        name="what waits for another process takes the slots of commands",
        file="channels/connection.py",
        old="            async with self._requests.hold():\n",
        new="            async with self.shard.slots.hold():\n",
        tests=(f"{CONNECTION}::test_two_processes_join_many_channels_of_each_other",),
    ),
    Mutant(
        name="a burst times out in the queue",
        file="channels/command_slots.py",
        old="            until = max(began, self._succeeded_at) + redis_limits.TIMEOUT_S\n",
        new="            until = began + redis_limits.TIMEOUT_S\n",
        tests=(f"{SLOTS}::test_a_command_waits_for_its_slot_while_others_succeed",),
    ),
    Mutant(
        name="an idle connection is written to",
        file="channels/shards.py",
        old="        await self._close_stale()\n",
        new="",
        tests=(f"{SHARDS}::test_a_connection_that_was_idle_for_long_is_not_written_to",),
    ),
    Mutant(
        name="the writer of a lost connection does not end",
        file="channels/subscriptions.py",
        old="        while self._is_open:\n",
        new="        while True:\n",
        tests=(f"{RIGHTS}::test_a_right_that_lacks_is_named_and_works_once_it_is_granted",),
    ),
    Mutant(
        name="a receiver of work that is cancelled keeps its message",
        file="channels/work_queue.py",
        old="            await self._give_back(key, taking)\n",
        new="            pass\n",
        tests=(f"{LAYER}::test_a_worker_that_is_cancelled_loses_no_message",),
    ),
    Mutant(
        name="a receiver that is cancelled wakes no other",
        file="channels/local_channels.py",
        old="                # The message that it was woken for is the next receiver's.\n"
        "                self._wake_one()\n",
        new="                pass\n",
        tests=(f"{LOCAL}::test_a_receiver_that_is_cancelled_loses_no_message",),
    ),
    Mutant(
        name="the members of a group share what is in a message",
        file="channels/local_channels.py",
        old=" if is_flat(message) else functools.partial(deepcopy, message)\n",
        new="\n",
        tests=(f"{LOCAL}::test_each_member_of_a_group_gets_a_message_of_its_own",),
    ),
    Mutant(
        name="a message for a large group blocks the event loop",
        file="channels/local_channels.py",
        old="            if first:\n                await asyncio.sleep(0)\n",
        new="",
        tests=(f"{LOCAL}::test_other_tasks_run_between_the_members_of_a_large_group",),
    ),
    Mutant(
        name="all messages of one read block the event loop",
        file="channels/subscriptions.py",
        old="                await asyncio.sleep(0)\n",
        new="                pass\n",
        tests=(f"{SUBSCRIPTIONS}::test_other_tasks_run_between_two_messages_of_one_read",),
    ),
    Mutant(
        name="a forked process sends by its parent's thread",
        file="channels/redis_layer.py",
        old="os.register_at_fork(after_in_child=_after_fork)\n",
        new="",
        tests=(f"{LAYER}::test_a_process_that_is_forked_sends_by_a_thread_of_its_own",),
    ),
    Mutant(
        name="a channel outlives its consumer",
        file="channels/endpoint.py",
        old="            task.add_done_callback(lambda _: self._orphan(name))\n",
        new="            pass\n",
        tests=(f"{LAYER}::test_a_channel_ends_with_the_task_that_made_it",),
    ),
    Mutant(
        name="each message of a view opens a connection",
        file="channels/redis_layer.py",
        old="        if is_lasting or are_threads_greenlets():\n",
        new="        if True:\n",
        tests=(f"{LAYER}::test_a_sync_view_sends_without_a_connection_for_each_message",),
    ),
)
