"""A project that a server can't load leaves its own frames, and what only manage.py sets."""

from importlib import import_module

import pytest

from django_tandem import environment
from django_tandem.inprocess.startup_failures import read_startup_failure, record_startup_failure
from django_tandem.model import Stack


@pytest.fixture
def load(tmp_path, monkeypatch):
    """Load a module that needs SECRET_KEY, and return what is recorded."""
    (tmp_path / "its_settings.py").write_text("import os\n\nos.environ['SECRET_KEY']\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(environment.RUN_DIR, str(tmp_path))
    monkeypatch.setenv(environment.GENERATION, "1")
    monkeypatch.setenv(environment.ASGI_APPLICATION, "config.asgi.application")
    monkeypatch.delenv("SECRET_KEY", raising=False)

    def load_it() -> list[str]:
        with pytest.raises(KeyError), record_startup_failure(Stack.ASGI):
            import_module("its_settings")
        return read_startup_failure(tmp_path, "asgi-1").splitlines()

    return load_it


def test_variables_that_only_manage_py_sets_are_named(load, monkeypatch) -> None:
    """As of a .env that it reads; what the server has too is left out."""
    monkeypatch.setenv(environment.MANAGE_PY_SETS, "DEBUG,HERE,SECRET_KEY")
    monkeypatch.setenv("HERE", "1")
    monkeypatch.delenv("DEBUG", raising=False)

    assert load()[-1] == (
        "manage.py sets DEBUG and SECRET_KEY; config/asgi.py does not. Load them in the settings, "
        "or in asgi.py and wsgi.py too."
    )


def test_only_frames_of_the_project_are_recorded(load, tmp_path) -> None:
    """Those of the server and of Python's importer explain nothing."""
    lines = load()

    assert [line for line in lines if line.startswith("  File")] == [
        f'  File "{tmp_path}/its_settings.py", line 3, in <module>'
    ]
    assert lines[-1] == "KeyError: 'SECRET_KEY'"
