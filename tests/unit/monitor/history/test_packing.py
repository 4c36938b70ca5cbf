"""Counts as bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_tandem.monitor.history.packing import DamagedError, pack, unpack


@given(st.dictionaries(st.integers(0, 2000), st.integers(0, 2**40)))
def test_counts_survive_their_bytes(counts) -> None:
    """Any counts, in the order of their keys."""
    assert unpack(pack(counts)) == counts


def test_a_few_small_counts_need_two_bytes_each() -> None:
    """A key is stored as its distance from the one before."""
    assert pack({60: 3, 61: 9, 64: 1}) == bytes([60, 3, 1, 9, 3, 1])


@pytest.mark.parametrize(
    ("packed", "reason"),
    [
        (b"\x01", "1 numbers are not pairs"),
        (b"\x01\x02\x80", "the last number has no end"),
    ],
)
def test_other_bytes_are_damage(packed, reason) -> None:
    """They are no counts of another kind."""
    with pytest.raises(DamagedError) as raised:
        unpack(packed)

    assert str(raised.value) == reason
