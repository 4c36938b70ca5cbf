"""A start that fails says why."""

import sys

from builders import plan
from django_tandem import output
from django_tandem.render.state import state_file, state_of
from django_tandem.runtime import lock, start

ENDS = "import sys; sys.exit('Error: the number of open files is too low')"


def test_a_supervisord_that_ends_at_once_is_quoted(tmp_path, monkeypatch, capsys) -> None:
    """Its log alone has the reason, below that of earlier starts."""
    starting = plan(run_dir=str(tmp_path))
    output.write([state_file(state_of(starting))], tmp_path)
    (tmp_path / start.LOG_FILE).write_text("of an earlier start\n")
    monkeypatch.setattr(start, "_supervisord", lambda _directory: [sys.executable, "-c", ENDS])

    assert not start.detached(starting, tmp_path, lock.take(tmp_path), timeout_s=10)

    assert capsys.readouterr().err == (
        "Not started: supervisord ended.\n  Error: the number of open files is too low\n"
    )
