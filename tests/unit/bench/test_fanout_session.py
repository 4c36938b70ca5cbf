"""A topology that fails ends its part of a fan-out, and the reason is printed with its hint."""

from django_tandem.bench.fanout_session import Broadcast, FanoutSchedule, FanoutSession
from django_tandem.bench.fanout_workload import FanoutJob
from django_tandem.bench.topology import Topology
from django_tandem.errors import RefusedError


def test_a_failure_is_printed_with_its_hint_and_kept_without() -> None:
    """Once, however many rounds there are: it takes part in no further one."""

    def make(_directory, _bind):
        raise RefusedError("No WebSocket opened: status 404.", hint="Name a path of WebSockets.")

    printed = []
    session = FanoutSession(
        topologies=[Topology(name="asgi", title="ASGI only", make=make)],
        job=FanoutJob(url="http://127.0.0.1", path="/none/"),
        broadcast=Broadcast(message="{stamp}"),
        schedule=FanoutSchedule(count=1, rounds=2, seconds=1),
        report_step=lambda _: None,
        report_failure=printed.append,
    )
    session.run()

    assert printed == ["ASGI only: No WebSocket opened: status 404.\n  Name a path of WebSockets."]
    assert session.rows["asgi"].failure == "No WebSocket opened: status 404."
