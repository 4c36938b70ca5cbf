"""The files of the target: where Prometheus finds the monitor."""

import pytest

from builders import plan
from django_tandem.errors import SettingError
from django_tandem.render import STACK_TARGETS, monitoring


def scrape_config(address: str) -> str:
    files = {each.name: each for each in monitoring.render(plan(tandem={"METRICS": address}))}
    return files["prometheus.yml"].content


@pytest.mark.parametrize(
    ("address", "target"),
    [
        ("10.0.0.5:9001", "10.0.0.5:9001"),
        ("[fd00::1]:9001", "[fd00::1]:9001"),
        ("0.0.0.0:8002", "127.0.0.1:8002"),
    ],
)
def test_the_address_of_the_monitor_is_scraped(address, target) -> None:
    """One that means all addresses is that of the host itself."""
    assert f'- targets: ["{target}"]' in scrape_config(address)


def test_without_an_address_there_is_nothing_to_scrape() -> None:
    """Prometheus has no client for Unix sockets."""
    with pytest.raises(SettingError) as raised:
        monitoring.render(plan())

    assert str(raised.value) == (
        'TANDEM["METRICS"] is not set, so Prometheus has no address to scrape.\n'
        '  Name one for the monitor, such as "METRICS": "127.0.0.1:8002".'
    )


def test_without_the_monitor_that_is_what_the_error_names() -> None:
    """An address of METRICS would only be the next error."""
    with pytest.raises(SettingError) as raised:
        monitoring.render(plan(tandem={"MONITOR": False}))

    assert str(raised.value) == (
        'TANDEM["MONITOR"] is False, so Prometheus has nothing to scrape.\n'
        '  Set it to True, its default, and name an address, such as "METRICS": "127.0.0.1:8002".'
    )


def test_a_start_does_not_render_it() -> None:
    """A stack runs without it, and without METRICS."""
    assert [each.name for each in STACK_TARGETS] == ["nginx", "supervisor"]
