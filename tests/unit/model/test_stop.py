"""The moments of a stop follow from its length and its delay."""

import pytest

from django_tandem.model import StopBudget, stop_budget
from django_tandem.model.stop import SHORTEST_S, end_s


@pytest.mark.parametrize(
    ("stop_s", "delay_s", "moments"),
    [
        (8, 0, (0, 6, 6, 8, 8.5)),
        (28, 5, (5, 18, 23, 28, 28.5)),
        (2, 0, (0, 1.5, 1.5, 2, 2.5)),
        (60, 0, (0, 55, 55, 60, 60.5)),
    ],
)
def test_most_of_a_stop_is_the_window_of_the_drain(stop_s, delay_s, moments) -> None:
    """The servers have its last quarter, and five seconds at most."""
    refuse_at_s, window_s, servers_at_s, servers_end_s, edge_end_s = moments

    assert stop_budget(stop_s, delay_s) == StopBudget(
        refuse_at_s=refuse_at_s,
        window_s=window_s,
        servers_at_s=servers_at_s,
        servers_end_s=servers_end_s,
        edge_end_s=edge_end_s,
    )


def test_an_interactive_stop_has_no_delay_and_a_short_window() -> None:
    """Requests have as long as otherwise."""
    budget = stop_budget(28, 5, is_interactive=True)

    assert (budget.refuse_at_s, budget.window_s) == (0, 1)
    assert (budget.servers_at_s, budget.servers_end_s) == (2, 28)


@pytest.mark.parametrize("is_interactive", [True, False])
@pytest.mark.parametrize("stop_s", range(SHORTEST_S, 70))
def test_the_moments_of_a_stop_are_in_order(stop_s, is_interactive) -> None:
    """Whatever the delay is; all has ended a second after the stop's length at the latest."""
    for delay_s in range(stop_s - SHORTEST_S + 1):
        budget = stop_budget(stop_s, delay_s, is_interactive=is_interactive)
        drained_s = budget.refuse_at_s + budget.window_s

        assert 0 <= budget.refuse_at_s < drained_s <= budget.servers_at_s
        assert budget.servers_at_s < budget.servers_end_s == stop_s
        assert budget.servers_end_s < budget.edge_end_s < end_s(stop_s)
