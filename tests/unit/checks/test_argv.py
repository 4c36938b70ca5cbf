"""A command line says which program it runs, and with which options."""

import pytest

from django_tandem.checks.argv import option, runs


@pytest.mark.parametrize(
    "argv",
    [
        ["daphne", "config.asgi:application"],
        ["/venv/bin/daphne"],
        ["python", "-m", "daphne"],
        ["nice", "-n", "10", "daphne"],
    ],
)
def test_a_program_is_known_by_path_by_module_and_below_another(argv) -> None:
    """Each of these runs Daphne."""
    assert runs(argv, "daphne")


def test_a_program_is_not_known_by_a_part_of_its_name() -> None:
    """`daphne-exporter` is another."""
    assert not runs(["daphne-exporter", "--of=daphne.sock"], "daphne")


@pytest.mark.parametrize(
    ("argv", "value"),
    [
        (["--ws", "none"], "none"),
        (["--ws=none"], "none"),
        (["-w", "none"], "none"),
        (["-wnone"], "none"),
        (["--ws=auto", "--ws", "none"], "none"),
        (["--ws-ping=none"], None),
        (["--ws"], ""),
        ([], None),
    ],
)
def test_the_last_of_an_option_is_its_value(argv, value) -> None:
    """However it is written."""
    assert option(argv, "--ws", "-w") == value
