"""The pin of a route that was shifted: it moves that route, and no other."""

import errno
import os
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import oracle.configured  # noqa: F401 - to import it is to configure Django
import pytest

from builders import plan, verdict, websocket
from django_tandem.cli.pin_writing import pin_of, write_pin
from django_tandem.errors import RefusedError
from django_tandem.model import PathMatch, Pin, Stack, Verdict


def by_id(pattern: str, name: str | None = None, stack: Stack = Stack.WSGI) -> Verdict:
    """The verdict of a route that answers many paths."""
    match = PathMatch(pcre=rf"^{pattern}", prefix=pattern, literal=None)
    return verdict(pattern, stack, name=name, match=match)


def test_a_route_of_one_path_is_pinned_by_it() -> None:
    """Its name may be that of others."""
    found = pin_of(plan(verdict("/a/", name="a"), by_id("/b/", "a")), verdict("/a/"), Stack.ASGI)

    assert found == Pin(target="=/a/", stack=Stack.ASGI)


def test_a_route_of_many_paths_is_pinned_by_its_name() -> None:
    """The view is that of another route, too."""
    lot = by_id("/lots/", "lot")

    assert pin_of(plan(lot, by_id("/old/", "old")), lot, Stack.ASGI).target == "lot"


def test_a_route_that_shares_its_name_is_pinned_by_its_view() -> None:
    """The other has another view."""
    lot, other = by_id("/lots/", "lot"), by_id("/old/", "lot")
    view = replace(other.route.view, dotted="project.views.old")
    old = replace(other, route=replace(other.route, view=view))

    assert pin_of(plan(lot, old), lot, Stack.ASGI).target == "project.views.view"


def test_a_pin_that_would_move_other_routes_is_refused() -> None:
    """They were never on trial."""
    lot = by_id("/lots/", "lot")
    given = plan(lot, by_id("/old/", "lot"), by_id("/older/", "lot:archive"))
    with pytest.raises(RefusedError) as raised:
        pin_of(given, lot, Stack.ASGI)

    assert (raised.value.message, raised.value.hint) == (
        '"lot" names /old/, /older/ as well as /lots/, and /lots/ alone was shifted.',
        "Give /lots/ a unique URL name, reload, and run the command again.",
    )


def test_routes_that_the_pin_leaves_where_they_are_do_not_count() -> None:
    """They have a pin already, are on that stack, or can't be on it."""
    lot = by_id("/lots/", "lot")
    pinned = replace(by_id("/old/", "lot"), pin=0)
    on_asgi = by_id("/new/", "lot", Stack.ASGI)
    to_asgi = plan(lot, pinned, on_asgi, tandem={"ROUTES": [("/old/", "wsgi")]})
    home = replace(lot, stack=Stack.ASGI)
    socket = websocket("/ws/")
    named = replace(socket, route=replace(socket.route, name="lot"))

    assert pin_of(to_asgi, lot, Stack.ASGI).target == "lot"
    assert pin_of(plan(home, named), home, Stack.WSGI).target == "lot"


REPORTS = Pin(target="reports", stack=Stack.ASGI)


@pytest.fixture
def settings(tmp_path, monkeypatch) -> Path:
    """The module of a project's settings, which is a link."""
    module = ModuleType("config.settings")
    module.__file__ = str(tmp_path / "settings.py")
    monkeypatch.setitem(sys.modules, "config.settings", module)
    (tmp_path / "shared").mkdir()
    target = tmp_path / "shared" / "settings.py"
    target.write_bytes(b'X = "\xc3\xa9"\r\nTANDEM = {}\r\n')
    target.chmod(0o640)
    (tmp_path / "settings.py").symlink_to(target)
    return tmp_path / "settings.py"


def test_a_pin_is_written_and_nothing_else_changes(settings) -> None:
    """Neither the ends of the lines, nor the mode, nor the link."""
    home = verdict("/reports/")

    assert write_pin(plan(home), home, REPORTS) == settings
    assert settings.read_bytes() == (
        b'X = "\xc3\xa9"\r\nTANDEM = {"ROUTES": [("reports", "asgi")]}\r\n'
    )
    assert (settings.is_symlink(), settings.stat().st_mode & 0o777) == (True, 0o640)
    assert [each.name for each in settings.resolve().parent.iterdir()] == ["settings.py"]


def test_a_full_disk_leaves_the_settings(settings, monkeypatch) -> None:
    """As they were, and the error has the text to paste."""

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    home, before = verdict("/reports/"), settings.read_bytes()
    with pytest.raises(RefusedError) as raised:
        write_pin(plan(home), home, REPORTS)

    assert (raised.value.message, raised.value.hint) == (
        f"{settings} can't be written: No space left on device.",
        'Add this entry to TANDEM["ROUTES"]: ("reports", "asgi")',
    )
    assert settings.read_bytes() == before
    assert [each.name for each in settings.resolve().parent.iterdir()] == ["settings.py"]
