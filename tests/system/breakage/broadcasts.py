"""Breakages of broadcasts that are written to a WebSocket outside its consumer's task."""

from breakage.mutant import Mutant

FRAMES = "tests/unit/channels/test_written_frames.py"
BROADCASTING = "tests/unit/channels/test_broadcasting.py"

MUTANTS = (
    Mutant(
        name="a suspended broadcast left behind the next event",
        file="inprocess/consumers.py",
        old="        if self.is_writing:\n            await self.finish_write()\n",
        new="",
        tests=(f"{FRAMES}::test_a_broadcast_to_a_client_that_does_not_read_keeps_its_place",),
    ),
    Mutant(
        name="a broadcast sent in the task of the channel layer",
        file="channels/stepped_send.py",
        old="        _enter_task(loop, self._task)\n",
        new="        self._task = running\n        _enter_task(loop, self._task)\n",
        tests=(f"{FRAMES}::test_the_send_runs_as_if_the_consumer_had_called_it",),
    ),
    Mutant(
        name="a consumer ended by a client that has disconnected",
        file="channels/stepped_send.py",
        old="        except (StopIteration, OSError):\n            return None\n",
        new="        except StopIteration:\n            return None\n",
        tests=(f"{FRAMES}::test_a_client_that_has_disconnected_is_skipped",),
    ),
    Mutant(
        name="one event for all sockets",
        file="channels/mailbox.py",
        old="writer(dict(frame.event))",
        new="writer(frame.event)",
        tests=(f"{FRAMES}::test_each_socket_has_an_event_of_its_own",),
    ),
    Mutant(
        name="a handler of the project passed by",
        file="channels/broadcasting.py",
        old='        _inherits(consumer, BroadcastMixin, "tandem_broadcast")\n        and ',
        new="        ",
        tests=(f"{BROADCASTING}::test_a_consumer_that_overrides_what_sends_it_is_called",),
    ),
)
