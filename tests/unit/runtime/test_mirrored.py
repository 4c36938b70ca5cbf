"""The files of a mirror: the edge's, and the report's."""

from dataclasses import replace
from pathlib import Path

import pytest

from django_tandem.mirror import Difference, DifferenceKind, MirrorReport
from django_tandem.mirror.findings import Finding
from django_tandem.model import Stack
from django_tandem.model.shifts import route_id
from django_tandem.runtime import lock, mirrored
from django_tandem.runtime.mirrored import MirrorRun

EXAMPLE = Difference(kind=DifferenceKind.BODY, home="a", other="b", excerpt=("-a", "+b"))
RUN = MirrorRun(
    route="/reports/",
    home=Stack.WSGI,
    to=Stack.ASGI,
    began_s=1.0,
    until_s=601.0,
    report=MirrorReport(
        compared=2,
        differing=1,
        findings=(Finding(count=1, target="/reports/", example=EXAMPLE),),
    ),
)


def _names(run_dir: Path) -> list[str]:
    return [each.name for each in (run_dir / mirrored.DIRECTORY).iterdir()]


def test_one_route_is_mirrored_at_a_time(tmp_path) -> None:
    """The edge looks for its file, and for no other."""
    mirrored.begin(tmp_path, "/reports/")
    mirrored.begin(tmp_path, "/lots/<int:number>/")

    assert _names(tmp_path) == [f"GET-{route_id('/lots/<int:number>/')}"]
    mirrored.end(tmp_path)
    mirrored.end(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_run_is_read_as_it_was_written(tmp_path) -> None:
    """By the user of the stack alone, as examples are parts of responses."""
    ended = replace(RUN, ended_s=300.0)
    mirrored.write(tmp_path, ended)

    assert mirrored.read(tmp_path) == ended
    assert (tmp_path / mirrored.NAME).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"report": {}}'])
def test_a_damaged_file_is_no_run(text, tmp_path) -> None:
    """Nor is none."""
    assert mirrored.read(tmp_path) is None
    (tmp_path / mirrored.NAME).write_text(text)
    assert mirrored.read(tmp_path) is None


def test_a_mirror_that_was_killed_has_ended(tmp_path) -> None:
    """Its lock is free; what it has left for the edge is removed."""
    mirrored.begin(tmp_path, "/reports/")
    mirrored.write(tmp_path, RUN)
    handle = lock.try_to_take(tmp_path, lock.MIRROR)
    mirrored.end_abandoned(tmp_path)
    assert mirrored.read(tmp_path) == RUN
    assert _names(tmp_path)

    lock.release(handle)
    mirrored.end_abandoned(tmp_path)
    assert mirrored.read(tmp_path).ended_s is not None
    assert not (tmp_path / mirrored.DIRECTORY).exists()
