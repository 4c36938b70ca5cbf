"""The state of a stack is read back as it was written, or rejected in a sentence."""

import json
from dataclasses import replace

import pytest

from builders import plan, websocket
from django_tandem import output
from django_tandem.errors import MachineError
from django_tandem.model import LogFormat, Overrides
from django_tandem.model.state import planned_state
from django_tandem.model.stop import DEFAULT_STOP_S
from django_tandem.render.supervisor import state_file
from django_tandem.runtime.state import WatchedState, read_state, read_stop_s


def test_a_state_is_read_as_it_was_written(tmp_path) -> None:
    """With its processes, overrides and addresses."""
    chosen = plan(
        generation=3,
        tandem={"LOG_FORMAT": "json", "WSGI": {"BIND": "127.0.0.1:9000"}},
        roles="wsgi",
    )
    overrides = Overrides(bind=":80", log_format=LogFormat.JSON, roles=chosen.roles)
    state = planned_state(replace(chosen, overrides=overrides))
    output.write([state_file(state)], tmp_path)

    read = read_state(tmp_path)
    assert read == state
    assert (read.log_format, read.overrides.log_format) == (LogFormat.JSON, LogFormat.JSON)
    # The text of an enum is equal to it, and is not it.
    assert isinstance(read.log_format, LogFormat)
    assert isinstance(read.overrides.log_format, LogFormat)


def test_a_state_of_version_0_1_0_is_read(tmp_path) -> None:
    """Its programs have the keys of their one server: such a stack may still run."""
    tandem = {"SHARED_MASTER": False}
    state = planned_state(plan(websocket("/ws/"), tandem=tandem, needs_redis=True))
    content = json.loads(state_file(state).content)
    for key in ("drain", "stop_s", "stop_delay_s", "log_format"):
        del content[key]
    for entry in content["processes"]:
        del entry["kinds"], entry["replica"]
    (tmp_path / "state.json").write_text(json.dumps(content))

    assert read_state(tmp_path) == state


def test_a_run_directory_without_a_stack_has_no_state(tmp_path) -> None:
    """Neither has one that does not exist."""
    assert read_state(tmp_path) is None
    assert read_state(tmp_path / "none") is None


@pytest.mark.parametrize("text", ["", '{"generation": 1,', "[]", "null", "\x00\x00", "1"])
def test_a_damaged_state_is_an_error_in_one_sentence(text, tmp_path) -> None:
    """Such as one that a power failure left, written by an older version."""
    (tmp_path / "state.json").write_text(text)

    with pytest.raises(MachineError) as error:
        read_state(tmp_path)

    assert str(error.value) == (
        f"{tmp_path / 'state.json'} is damaged: it does not hold the state of a stack.\n"
        "  Start the stack with `tandem up`, after `tandem down` if it runs."
    )


@pytest.mark.parametrize("field", ["processes", "binds", "overrides"])
def test_a_field_of_another_type_is_damage(field, tmp_path) -> None:
    """Every field is there, so it is not the file of an older version."""
    content = json.loads(state_file(planned_state(plan())).content)
    (tmp_path / "state.json").write_text(json.dumps({**content, field: 7}))

    with pytest.raises(MachineError, match="is damaged"):
        read_state(tmp_path)


def test_a_state_without_a_field_is_of_another_version(tmp_path) -> None:
    """The hint is to start the stack again."""
    (tmp_path / "state.json").write_text('{"generation": 1}')

    with pytest.raises(MachineError) as error:
        read_state(tmp_path)

    assert str(error.value) == (
        f"{tmp_path / 'state.json'} was written by another version of tandem.\n"
        "  Stop the stack with `tandem down`, and start it with `tandem up`."
    )


def test_a_state_that_the_disk_does_not_return_is_an_error_in_one_sentence(tmp_path) -> None:
    """So that nobody who reads it forgets the errors of the system."""
    (tmp_path / "state.json").mkdir()

    with pytest.raises(MachineError) as error:
        read_state(tmp_path)

    assert str(error.value) == (
        f"{tmp_path / 'state.json'} can't be read: Is a directory.\n"
        "  Check the file and its disk; `tandem down` stops the stack without it."
    )
    assert read_stop_s(tmp_path) == DEFAULT_STOP_S


def test_a_watched_state_is_read_when_it_has_changed(tmp_path) -> None:
    """A missing one, and one that is damaged, changes nothing."""
    watched = WatchedState(tmp_path)
    assert watched.read_if_changed() is None

    for generation in (1, 2):
        output.write([state_file(planned_state(plan(generation=generation)))], tmp_path)
        assert watched.read_if_changed().generation == generation
        assert watched.read_if_changed() is None

    (tmp_path / "state.json").write_text("{")
    assert watched.read_if_changed() is None
