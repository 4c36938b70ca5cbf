"""Blocked routes last through reloads, and their paths follow each new plan."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import builders
from builders import plan, verdict
from django_tandem.errors import RefusedError
from django_tandem.inprocess import blocked_routes
from django_tandem.model import Block
from django_tandem.runtime import lock
from django_tandem.runtime.blocks import changing, extend, renew


def block(target: str, regex: str) -> Block:
    """A block that an earlier plan has compiled."""
    return builders.block(regex, target=target, status=410, since_s=1.0)


def test_a_new_plan_compiles_the_targets_anew(tmp_path: Path) -> None:
    """The route has moved; all else of the block stays."""
    blocked_routes.write(tmp_path, [block("feed", r"^/old/\Z")])

    notes = renew(plan(verdict("/new/", name="feed"), run_dir=str(tmp_path)))

    (kept,) = blocked_routes.read(tmp_path)
    assert [rule.regex for rule in kept.rules] == [r"^/new/\Z"]
    assert (kept.status, kept.since_s) == (410, 1.0)
    assert notes == ['"feed" is blocked until `tandem unblock feed`.']


def test_two_generations_may_serve_a_blocked_route_at_once(tmp_path: Path) -> None:
    """Each at its own path, until only the new one is left."""
    blocked_routes.write(tmp_path, [block("feed", r"^/old/\Z")])
    moved = plan(verdict("/new/", name="feed"), run_dir=str(tmp_path))

    for _ in range(2):
        extend(moved)
    both = [rule.regex for each in blocked_routes.read(tmp_path) for rule in each.rules]
    notes = renew(moved)

    (kept,) = blocked_routes.read(tmp_path)
    assert both == [r"^/old/\Z", r"^/new/\Z"]
    assert [rule.regex for rule in kept.rules] == [r"^/new/\Z"]
    assert notes == ['"feed" is blocked until `tandem unblock feed`.']


def test_a_target_that_names_nothing_any_more_keeps_its_paths(tmp_path: Path) -> None:
    """The note says so; a reload does not fail for it."""
    blocked_routes.write(tmp_path, [block("feed", r"^/old/\Z")])

    (note,) = renew(plan(verdict("/new/"), run_dir=str(tmp_path)))

    assert blocked_routes.read(tmp_path)[0].rules == block("feed", r"^/old/\Z").rules
    assert note == (
        '"feed" is blocked until `tandem unblock feed`. Its paths stay as they were: "feed" is '
        "not a path, a pattern, a URL name, a namespace or a view."
    )


@pytest.mark.parametrize("has_run", [True, False])
def test_without_a_block_nothing_is_written(tmp_path: Path, has_run: bool) -> None:
    """Nor where the run directory does not exist yet."""
    directory = tmp_path if has_run else tmp_path / "none"

    assert renew(plan(verdict("/"), run_dir=str(directory))) == []
    assert not list(tmp_path.iterdir())


def test_no_change_is_lost_among_those_made_at_once(tmp_path: Path) -> None:
    """Each reads, changes and writes the file alone."""
    targets = [f"/{number}/" for number in range(40)]

    def add(target: str) -> None:
        with changing(tmp_path) as kept:
            kept.append(block(target, f"^{target}"))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, targets))

    assert sorted(each.target for each in blocked_routes.read(tmp_path)) == sorted(targets)


def test_a_change_that_fails_writes_nothing(tmp_path: Path) -> None:
    """The next one gets the lock."""

    def fail() -> None:
        with changing(tmp_path) as kept:
            kept.append(block("feed", "^/feed/"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    with changing(tmp_path) as kept:
        assert kept == []


def test_a_process_that_keeps_the_lock_is_named(tmp_path: Path, monkeypatch) -> None:
    """Such as one that Ctrl-Z has stopped."""
    monkeypatch.setattr(lock, "PATIENCE_S", 0)
    handle = lock.try_to_take(tmp_path, lock.BLOCKS)
    assert handle is not None
    pid = lock.holder(tmp_path, lock.BLOCKS)

    with pytest.raises(RefusedError) as caught, changing(tmp_path):
        pass

    lock.release(handle)
    assert caught.value.message == (
        f"Another process, with pid {pid}, is changing the blocked routes of {tmp_path}."
    )
    assert caught.value.hint == "Try again when it has ended."


def test_the_command_of_a_note_is_quoted_for_a_shell(tmp_path: Path) -> None:
    """A pattern of a route has angle brackets."""
    target = "/ws/echo/<str:room>/"
    blocked_routes.write(tmp_path, [block(target, r"^/old/\Z")])

    notes = renew(plan(verdict(target), run_dir=str(tmp_path)))

    assert notes == [f"\"{target}\" is blocked until `tandem unblock '{target}'`."]
