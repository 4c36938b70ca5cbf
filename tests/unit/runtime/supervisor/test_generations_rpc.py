"""What a reload's commit changes of a supervisord that keeps running."""

from types import SimpleNamespace
from typing import Any

import pytest
from supervisor.states import SupervisorStates

from builders import plan
from django_tandem import output
from django_tandem.errors import MachineError
from django_tandem.model import LogFormat
from django_tandem.model.state import state_of
from django_tandem.render.supervisor import state_file
from django_tandem.runtime.supervisor.generations_rpc import GenerationsRpc


class Output:
    """A log multiplexer that keeps the formats that it gets."""

    def __init__(self) -> None:
        self.formats: list[LogFormat] = []

    def set_format(self, log_format: LogFormat) -> None:
        self.formats.append(log_format)


class Probes:
    """A thread of probes that keeps the addresses that it gets."""

    def __init__(self) -> None:
        self.addresses: list[tuple[str, ...]] = []

    def listen(self, addresses: tuple[str, ...]) -> None:
        self.addresses.append(addresses)


class Requests:
    """A listener for requests of reloads that keeps the groups that it gets."""

    def __init__(self) -> None:
        self.groups: list[str] = []

    def listen(self, group: str) -> None:
        self.groups.append(group)


def test_a_commit_is_applied_to_the_logs_and_to_the_probes(tmp_path) -> None:
    """Stdout has the format in which the live generation logs, and the probes its addresses."""
    options = SimpleNamespace(
        configfile=str(tmp_path / "supervisord.conf"),
        read_config=lambda _path: SimpleNamespace(process_group_configs=[]),
    )
    supervisord = SimpleNamespace(options=options, process_groups={})
    multiplexer: Any = Output()
    probes: Any = Probes()
    requests: Any = Requests()
    nothing: Any = None
    rpc = GenerationsRpc(
        supervisord,
        tmp_path,
        nothing,
        nothing,
        multiplexer,
        probes=probes,
        notifier=nothing,
        reload_listener=requests,
    )

    for log_format, health in (("json", "127.0.0.1:8001"), ("text", "unix")):
        state = state_of(
            plan(tandem={"LOG_FORMAT": log_format, "HEALTH": health, "RELOAD_GROUP": "deploy"})
        )
        output.write([state_file(state)], tmp_path)
        assert rpc.refresh()

    assert multiplexer.formats == [LogFormat.JSON, LogFormat.TEXT]
    assert requests.groups == ["deploy", "deploy"]
    assert probes.addresses == [("127.0.0.1:8001",), ()]
    assert all(isinstance(each, LogFormat) for each in multiplexer.formats)


def test_each_tick_looks_for_a_killed_reload(tmp_path) -> None:
    """systemd would wait for its end."""
    ended: list[str] = []
    notifier: Any = SimpleNamespace(end_killed_reload=lambda: ended.append("ended"))
    rpc = GenerationsRpc.__new__(GenerationsRpc)
    rpc._notifier, rpc._run_dir = notifier, tmp_path
    rpc._supervisord = SimpleNamespace(process_groups={}, options=SimpleNamespace(mood=0))

    rpc._on_tick(None)

    assert ended == ["ended"]


def test_shifts_that_raise_keep_a_tick_from_nothing(tmp_path) -> None:
    """The state may be damaged, or the interpreter removed."""
    ended: list[str] = []
    notifier: Any = SimpleNamespace(end_killed_reload=lambda: ended.append("ended"))

    def tick() -> None:
        ended.append("raised")
        raise MachineError("state.json can't be read.")

    shifts: Any = SimpleNamespace(tick=tick)
    rpc = GenerationsRpc.__new__(GenerationsRpc)
    rpc._notifier, rpc._run_dir, rpc._shifts = notifier, tmp_path, shifts
    options = SimpleNamespace(mood=SupervisorStates.RUNNING)
    rpc._supervisord = SimpleNamespace(process_groups={}, options=options)

    with pytest.raises(MachineError):
        rpc._on_tick(None)

    assert ended == ["ended", "raised"]
