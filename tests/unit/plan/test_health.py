"""Where the probes are answered, beside the socket in the run directory."""

import json

import pytest

from builders import host, plan
from django_tandem.errors import SettingError
from django_tandem.model.state import planned_state
from django_tandem.render.supervisor import state_file
from django_tandem.runtime.state import read_state


def health(value: object, **tandem: object) -> tuple[str, ...]:
    return plan(tandem={"HEALTH": value, **tandem}).health


def test_by_default_on_the_socket_alone() -> None:
    """Nothing listens on the network unless somebody wants it."""
    assert plan().health == health("unix") == ()


def test_an_address_is_read_as_that_of_the_edge() -> None:
    """A port alone means every address of the machine."""
    assert health("127.0.0.1:8001") == ("127.0.0.1:8001",)
    assert health("[::1]:8001") == ("[::1]:8001",)
    assert health(":8001") == ("0.0.0.0:8001", "[::]:8001")
    assert plan(tandem={"HEALTH": ":8001"}, on=host(has_ipv6=False)).health == ("0.0.0.0:8001",)


def test_a_path_is_relative_to_the_project() -> None:
    """As every other path of the settings."""
    assert health("/run/health.sock") == ("/run/health.sock",)
    assert health("run/health.sock") == ("/srv/project/run/health.sock",)


@pytest.mark.parametrize("value", ["8001a", "localhost", "127.0.0.1", "example.com:80", ":0"])
def test_anything_else_is_an_error(value) -> None:
    """It names the setting and the value."""
    with pytest.raises(SettingError) as error:
        health(value)

    assert str(error.value) == (
        f'TANDEM["HEALTH"] is "{value}", which is not an address.\n'
        '  Give an IP address and a port, such as "0.0.0.0:8001", the path of a socket, or "unix".'
    )


@pytest.mark.parametrize(
    ("bind", "value"),
    [
        ("127.0.0.1:8000", "127.0.0.1:8000"),
        (":8000", "127.0.0.1:8000"),
        ("[::1]:8000", "[::]:8000"),
    ],
)
def test_the_edge_has_its_port_for_itself(bind, value) -> None:
    """Also where one of the two listens on every address."""
    with pytest.raises(SettingError) as error:
        health(value, BIND=bind)

    assert str(error.value) == (
        f'TANDEM["HEALTH"] is "{value}", where the edge listens.\n  Choose another port.'
    )


def test_other_addresses_may_have_the_same_port() -> None:
    """They are other sockets."""
    assert health("127.0.0.2:8000", BIND="127.0.0.1:8000") == ("127.0.0.2:8000",)


@pytest.mark.parametrize(("value", "expected"), [("check", True), ("ignore", False)])
def test_the_migrations_are_checked_where_wanted(value, expected) -> None:
    """No other value is one."""
    assert plan(tandem={"MIGRATIONS": value}).checks_migrations is expected
    with pytest.raises(SettingError) as error:
        plan(tandem={"MIGRATIONS": True})
    assert str(error.value) == ('TANDEM["MIGRATIONS"]: Expected "ignore" or "check", got True.')


def test_the_monitor_answers_on_an_address_too() -> None:
    """None by default: its socket in the run directory is always there."""
    assert plan().metrics == ()
    assert plan(tandem={"METRICS": "127.0.0.1:9001"}).metrics == ("127.0.0.1:9001",)


@pytest.mark.parametrize(
    ("tandem", "message"),
    [
        (
            {"METRICS": "/run/metrics.sock"},
            'TANDEM["METRICS"] is "/run/metrics.sock", which is not an address.\n'
            '  Give an IP address and a port, such as "127.0.0.1:8002".',
        ),
        (
            {"METRICS": ":8000"},
            'TANDEM["METRICS"] is ":8000", where the edge listens.\n  Choose another port.',
        ),
        (
            {"METRICS": ":9001", "HEALTH": "127.0.0.1:9001"},
            'TANDEM["METRICS"] is ":9001", where the probes are answered.\n  Choose another port.',
        ),
        (
            {"METRICS": ":9001", "MONITOR": False},
            'TANDEM["METRICS"] is ":9001", and TANDEM["MONITOR"] is False.\n'
            "  The monitor answers there: set MONITOR to True, or remove METRICS.",
        ),
    ],
    ids=["no address", "the edge", "the probes", "no monitor"],
)
def test_an_address_that_the_monitor_cant_have_is_an_error(tandem, message) -> None:
    """A path of the site would be public."""
    with pytest.raises(SettingError) as caught:
        plan(tandem=tandem)

    assert str(caught.value) == message


def test_the_state_has_both(tmp_path) -> None:
    """The state of an earlier version has neither, and is read."""
    state = planned_state(plan(tandem={"HEALTH": ":8001", "MIGRATIONS": "check"}))
    content = json.loads(state_file(state).content)
    (tmp_path / "state.json").write_text(json.dumps(content))
    assert read_state(tmp_path) == state

    del content["health"], content["checks_migrations"]
    (tmp_path / "state.json").write_text(json.dumps(content))
    earlier = read_state(tmp_path)
    assert (earlier.health, earlier.checks_migrations) == ((), False)
