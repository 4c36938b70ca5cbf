"""The variables of ENV_FILE are those of a generation: the same for all its programs."""

import os
from types import SimpleNamespace

import pytest
from supervisor import events

from django_tandem.errors import MachineError, SettingError
from django_tandem.runtime.supervisor.environments import Environments


@pytest.fixture(autouse=True)
def no_other_subscribers():
    events.clear()
    yield
    events.clear()


@pytest.fixture
def file(tmp_path):
    path = tmp_path / ".env"
    path.write_text("A=first")
    return path


def program(name, file):
    environment = {"TANDEM_ENV_FILE": str(file)} if file else {}
    return SimpleNamespace(name=name, environment=environment)


def remove(name):
    events.notify(events.ProcessGroupRemovedEvent(name))


def test_each_generation_reads_the_file_once(file) -> None:
    """Its other programs and their restarts have what its first program had."""
    environments = Environments()
    found = [environments.variables_of(program("wsgi-1", file))]
    file.write_text("A=second")
    names = ("wsgi-1", "celery-1", "wsgi-2")
    found += [environments.variables_of(program(name, file)) for name in names]

    assert [each["A"] for each in found] == ["first", "first", "first", "second"]


def test_the_number_of_a_failed_candidate_is_free_again(file) -> None:
    """Once the last of its programs is removed."""
    environments = Environments()
    for name in ("wsgi-2", "asgi-2"):
        environments.variables_of(program(name, file))
    file.write_text("A=second")
    remove("wsgi-2")
    assert environments.variables_of(program("asgi-2", file)) == {"A": "first"}

    remove("asgi-2")
    assert environments.variables_of(program("asgi-2", file)) == {"A": "second"}


def test_a_program_without_the_variable_has_none(file) -> None:
    """NGINX and Valkey outlive every generation."""
    environments = Environments()
    environments.variables_of(program("wsgi-1", file))

    assert environments.variables_of(program("nginx", None)) == {}


def test_a_file_that_cannot_be_read_is_an_error_until_it_can(file) -> None:
    """The next start of the program tries again."""
    environments = Environments()
    file.write_text("A='")
    with pytest.raises(SettingError):
        environments.variables_of(program("wsgi-1", file))
    file.write_text("A=second")

    assert environments.variables_of(program("wsgi-1", file)) == {"A": "second"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root must not read what others may write")
@pytest.mark.parametrize("optional", ["", "-"])
def test_a_file_that_another_user_created_since_the_plan_is_an_error(optional, tmp_path) -> None:
    """By then, the command that checked the plan's files has ended."""
    tmp_path.chmod(0o1777)
    file = tmp_path / "new.env"
    environments = Environments()
    config = program("wsgi-1", f"{optional}{file}")
    with pytest.raises(MachineError) as missing:
        environments.variables_of(config)
    file.write_text("PYTHONPATH=/home/other")
    os.chown(file, 54321, 54321)
    with pytest.raises(MachineError) as existing:
        environments.variables_of(config)

    assert missing.value.message == (
        f"root does not read the environment file {file}: {tmp_path} is writable for every user."
    )
    assert existing.value.message == (
        f"root does not read the environment file {file}: {file} is writable for its owner."
    )
