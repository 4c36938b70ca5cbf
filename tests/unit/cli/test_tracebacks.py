"""Of a traceback the project's own lines are shown, or all of it."""

from importlib import import_module
from pathlib import Path

import pytest

from django_tandem.cli import tracebacks


@pytest.fixture
def raised(tmp_path, monkeypatch) -> Exception:
    """What a module of a project raises by way of Python's own import."""
    (tmp_path / "its_views.py").write_text("import json\n\njson.loads('{')\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ValueError, match="Expecting") as found:
        import_module("its_views")
    return found.value


def test_only_what_lies_below_the_project_is_its_own(raised, tmp_path) -> None:
    """Neither who imported it, nor what it called."""
    first, *files, last = _without_code(tracebacks.own(raised, tmp_path))

    assert first == "Traceback (most recent call last):"
    assert files == [f'  File "{tmp_path}/its_views.py", line 3, in <module>']
    assert last.startswith("json.decoder.JSONDecodeError: Expecting property name")


def test_an_environment_below_the_project_is_not_its_own(raised, tmp_path) -> None:
    """Nothing is shown of an error that never came near the project."""
    installed = tmp_path / "site-packages"

    assert tracebacks.own(raised, installed) == ""
    assert not tracebacks._lies_below(tmp_path, installed / "django" / "urls.py")


def test_what_it_was_raised_from_is_shown_in_the_same_way(raised, tmp_path) -> None:
    """Each with its own lines."""
    error = RuntimeError("no")
    error.__cause__ = raised

    told = tracebacks.own(error, tmp_path)

    assert told.count("its_views.py") == 1
    assert told.endswith("RuntimeError: no")


def test_all_of_it_is_what_python_prints(raised, tmp_path) -> None:
    """With who imported it, and what it called."""
    told = tracebacks.whole(raised)

    assert str(Path("json", "decoder.py")) in told
    assert f'  File "{tmp_path}/its_views.py", line 3, in <module>\n' in told


def _without_code(told: str) -> list[str]:
    return [line for line in told.splitlines() if not line.startswith("    ")]
