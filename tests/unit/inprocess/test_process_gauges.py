"""The open database connections of all threads are counted by alias."""

import threading

import oracle.configured  # noqa: F401 - to import it is to configure Django
import pytest
from django.db import connections
from django.db.backends.sqlite3.base import DatabaseWrapper

from django_tandem.inprocess import process_gauges


def wrapper(alias, name):
    settings = {**connections["default"].settings_dict, "NAME": name, "OPTIONS": {}}
    return DatabaseWrapper({**settings, "ENGINE": "django.db.backends.sqlite3"}, alias)


@pytest.fixture
def counted(monkeypatch):
    """Count from an empty state."""
    monkeypatch.setattr(process_gauges, "_known_connections", set())
    process_gauges.watch_connections()


@pytest.mark.usefixtures("counted")
def test_those_of_other_threads_count_while_they_are_open(tmp_path):
    """Each thread has its own; one that was closed or collected counts no more."""
    own = [wrapper("default", tmp_path / "a"), wrapper("other", tmp_path / "b")]
    opened, counted = threading.Event(), threading.Event()

    def work():
        connection = wrapper("default", tmp_path / "a")
        connection.connect()
        opened.set()
        counted.wait(10)
        connection.close()
        connection.connect()
        connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    opened.wait(10)
    for each in own:
        each.connect()
    during = process_gauges.count_open_connections()
    counted.set()
    thread.join()
    own[0].close()

    assert during == {"default": 2, "other": 1}
    assert process_gauges.count_open_connections() == {"other": 1}
    own.clear()
