"""What the plugin does at each tick, after a commit, and at supervisord's end."""

import os
import threading
from types import SimpleNamespace
from typing import Any

import pytest
from supervisor.states import SupervisorStates

from builders import plan
from django_tandem.errors import MachineError
from django_tandem.model import LogFormat
from django_tandem.model.state import planned_state
from django_tandem.runtime.supervisor.log_multiplexer import LogMultiplexer
from django_tandem.runtime.supervisor.plugin import Plugin


@pytest.fixture
def calls() -> list[object]:
    """What the parts of the plugin were called with, in order."""
    return []


@pytest.fixture
def plugin(calls) -> Plugin:
    """Make a plugin of parts that record their calls, without a supervisord around it."""
    found: Any = Plugin.__new__(Plugin)
    found._output = SimpleNamespace(set_format=calls.append)
    found._probes = SimpleNamespace(listen=calls.append)
    found._listener = SimpleNamespace(listen=calls.append)
    found._notifier = SimpleNamespace(end_killed_reload=lambda: calls.append("reload"))
    found._drainer = SimpleNamespace(start_if_abandoned=lambda: calls.append("drainer"))
    found._shifts = SimpleNamespace(tick=lambda: calls.append("shifts"))
    options = SimpleNamespace(mood=SupervisorStates.RUNNING)
    found._supervisord = SimpleNamespace(options=options)
    plugin: Plugin = found
    return plugin


def test_a_commit_is_applied_to_the_logs_and_to_the_probes(plugin, calls) -> None:
    """Stdout has the format in which the live generation logs, and the probes its addresses."""
    tandem = {"LOG_FORMAT": "json", "HEALTH": "127.0.0.1:8001", "RELOAD_GROUP": "deploy"}

    plugin._apply(planned_state(plan(tandem=tandem)))
    plugin._apply(planned_state(plan(tandem={"LOG_FORMAT": "text", "HEALTH": "unix"})))

    json, text = LogFormat.JSON, LogFormat.TEXT
    assert calls == [json, ("127.0.0.1:8001",), "deploy", text, (), ""]
    assert isinstance(calls[0], LogFormat)


def test_each_tick_looks_for_a_killed_reload(plugin, calls) -> None:
    """systemd would wait for its end; the shifts are looked after as long as the stack runs."""
    plugin._on_tick(None)
    plugin._supervisord.options.mood = SupervisorStates.SHUTDOWN
    plugin._on_tick(None)

    assert calls == ["reload", "drainer", "shifts", "reload", "drainer"]


def test_shifts_that_raise_keep_a_tick_from_nothing(plugin, calls) -> None:
    """The state may be damaged, or the interpreter removed."""

    def tick() -> None:
        raise MachineError("state.json can't be read.")

    plugin._shifts.tick = tick  # type: ignore[method-assign]

    with pytest.raises(MachineError):
        plugin._on_tick(None)

    assert calls == ["reload", "drainer"]


class NothingRuns:
    """A stack whose programs have all ended."""

    has_failed = False

    def kill_all(self) -> None:
        """Kill nothing."""

    def close(self) -> None:
        """Have no timer, and answer no probe."""


def test_the_traceback_of_a_failed_start_is_not_printed_at_the_end(tmp_path) -> None:
    """The record that suppresses it is removed once the last lines are printed."""
    reader, writer = os.pipe()
    output = LogMultiplexer(tmp_path, writer, is_announced=True)
    plugin = Plugin.__new__(Plugin)
    plugin._pid, plugin._run_dir, plugin._output = os.getpid(), tmp_path, output
    plugin._shutdown = plugin._policy = plugin._self_pipe = plugin._probes = NothingRuns()
    output.add("wsgi-1")
    (tmp_path / "wsgi-1.failed").write_text("ValueError")
    (tmp_path / "wsgi-1.log").write_text("Traceback\n")
    # On a busy machine the thread has had no time for a round yet.
    output._thread = threading.Timer(0.2, output._run)
    output._thread.start()

    plugin._at_exit()

    os.close(writer)
    with os.fdopen(reader) as printed:
        assert printed.read() == "tandem     | `tandem logs wsgi-1` shows the whole traceback\n"
    assert not (tmp_path / "wsgi-1.failed").exists()


def test_a_forked_child_leaves_the_stack_alone(tmp_path) -> None:
    """It inherits what is done at the end of supervisord, and would kill every program."""
    (tmp_path / "nginx.pid").write_text("1")
    plugin = Plugin.__new__(Plugin)
    plugin._pid, plugin._run_dir = os.getpid() + 1, tmp_path

    plugin._at_exit()

    assert (tmp_path / "nginx.pid").exists()
