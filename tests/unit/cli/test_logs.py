"""`tandem logs -f` writes each line at once."""

import io
import sys
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

from django_tandem.cli import logs


def test_followed_lines_reach_a_pipe_at_once(tmp_path, monkeypatch) -> None:
    """Python keeps up to 8 KiB of what is written to a pipe."""
    pipe = io.BytesIO()
    written = []

    def follow(*_: object) -> Iterator[tuple[str, str]]:
        for line in ("one", "two"):
            yield "wsgi-1", line
            written.append(pipe.getvalue())

    Path(tmp_path, "wsgi-1.log").touch()
    monkeypatch.setattr(logs, "find_running_dir", lambda _options: tmp_path)
    monkeypatch.setattr(logs.logs, "follow", follow)
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(pipe))

    assert logs.run(Namespace(programs=[], follow=True, lines=20)) == 0
    assert written == [b"wsgi-1     | one\n", b"wsgi-1     | one\nwsgi-1     | two\n"]
