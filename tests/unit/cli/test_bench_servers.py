"""A server that is named for a comparison must be installed."""

from argparse import Namespace
from dataclasses import replace
from types import SimpleNamespace

import pytest

from django_tandem.cli import bench
from django_tandem.errors import MachineError
from django_tandem.model import Stack
from django_tandem.servers import SERVERS, find
from django_tandem.settings import read_settings


def test_a_missing_server_is_reported_before_anything_is_started(monkeypatch) -> None:
    """The hint names the extra that installs it."""
    absent = replace(find(Stack.WSGI, "waitress"), distribution="there-is-no-such-server")
    monkeypatch.setattr(bench, "SERVERS", {**SERVERS, Stack.WSGI: (absent,)})
    loaded = SimpleNamespace(settings=read_settings(None))

    with pytest.raises(MachineError) as caught:
        bench._topologies(
            Namespace(wsgi=["gunicorn", "waitress"], asgi=None, programs=False), loaded
        )

    assert caught.value.exit_code == 2
    assert caught.value.message.endswith("the package there-is-no-such-server is not installed.")
    assert caught.value.hint == 'Run pip install "django-tandem[waitress]".'
