"""What a reload's commit changes of a supervisord that keeps running."""

from types import SimpleNamespace
from typing import Any

from builders import plan
from django_tandem import output
from django_tandem.model.state import State, planned_state
from django_tandem.render.supervisor import state_file
from django_tandem.runtime.supervisor.generations_rpc import GenerationsRpc


def test_a_commit_is_applied_to_the_plugin(tmp_path) -> None:
    """By the state that is live now."""
    options = SimpleNamespace(
        configfile=str(tmp_path / "supervisord.conf"),
        read_config=lambda _path: SimpleNamespace(process_group_configs=[]),
    )
    supervisord = SimpleNamespace(options=options, process_groups={})
    applied: list[State] = []
    nothing: Any = None
    rpc = GenerationsRpc(
        supervisord,
        tmp_path,
        apply=applied.append,
        drainer=nothing,
        notifier=nothing,
        policy=nothing,
        shifts=nothing,
        shutdown=nothing,
    )
    assert rpc.refresh()
    assert applied == []

    states = [planned_state(plan(generation=number)) for number in (1, 2)]
    for state in states:
        output.write([state_file(state)], tmp_path)
        assert rpc.refresh()

    assert applied == states
