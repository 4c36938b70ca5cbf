"""How a connection ends follows from its path."""

import pytest

from django_tandem.model import DrainMode, DrainRule, drain_mode

RULES = (
    DrainRule(prefix="/ws/calls/test/", mode=DrainMode.SPREAD),
    DrainRule(prefix="/ws/calls/", mode=DrainMode.WAIT),
)


@pytest.mark.parametrize(
    ("path", "mode"),
    [
        ("/ws/calls/7/", DrainMode.WAIT),
        ("/ws/calls/test/7/", DrainMode.SPREAD),
        ("/ws/lots/7/", DrainMode.SPREAD),
    ],
)
def test_the_first_rule_whose_prefix_a_path_has_is_its_mode(path, mode) -> None:
    """As with pins; without a rule a connection has a moment of the window."""
    assert drain_mode(RULES, path) is mode
