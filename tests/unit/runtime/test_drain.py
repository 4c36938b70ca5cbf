"""The drain of an old generation is opened as the reload that replaced it has it."""

import time
from dataclasses import replace

import pytest

from builders import plan
from django_tandem.inprocess import drain_window
from django_tandem.model import DrainMode
from django_tandem.model.state import planned_state
from django_tandem.runtime import drain


@pytest.mark.parametrize("mode", [DrainMode.WAIT, DrainMode.SPREAD, None])
def test_the_mode_of_a_reload_is_that_of_the_old_generation(tmp_path, mode) -> None:
    """Without one, the old generation's own settings decide."""
    state = planned_state(replace(plan(generation=2), drain_s=20, drain=mode))

    drain._open_window(tmp_path, 1, time.monotonic() + 30, state)

    assert drain_window.read(tmp_path, 1).window_s == 20
    assert drain_window.read(tmp_path, 1).mode is mode


def test_an_open_window_is_not_opened_again(tmp_path) -> None:
    """Its connections have their moments."""
    drain_window.write(tmp_path, 1, 7)

    drain._open_window(tmp_path, 1, time.monotonic() + 30, planned_state(plan(generation=2)))

    assert drain_window.read(tmp_path, 1).window_s == 7
