"""An NGINX that checks a file keeps the memory that it needs again."""

import os

from django_tandem.runtime.nginx_environment import KEEPING_MEMORY, nginx_environment


def test_it_is_this_processs_environment_and_keeps_memory(monkeypatch) -> None:
    """Without it, glibc would return the memory of each map to the kernel."""
    for name in KEEPING_MEMORY:
        monkeypatch.delenv(name, raising=False)

    assert nginx_environment() == {**os.environ, **KEEPING_MEMORY}


def test_what_is_set_already_stays(monkeypatch) -> None:
    """Whoever sets it has a reason."""
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "131072")

    assert nginx_environment()["MALLOC_TRIM_THRESHOLD_"] == "131072"
