"""What the plugin does at supervisord's end."""

import os
import threading

from django_tandem.runtime.supervisor.log_multiplexer import LogMultiplexer
from django_tandem.runtime.supervisor.plugin import Plugin


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
