"""Each project is served unchanged, and its clients get what its author expects."""

import pytest

from strangers.expectations import names, read
from strangers.serve import check


@pytest.mark.parametrize("name", names())
def test_a_project_is_served_as_it_is(name) -> None:
    """It starts, responds, and stops without leaving a process."""
    assert check(read(name)) == []
