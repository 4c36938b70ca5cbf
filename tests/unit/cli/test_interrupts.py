"""Signals end a command as Ctrl-C does, for the length of a block."""

import signal

import pytest

from django_tandem.cli.interrupts import INTERRUPTS, interruptible


@pytest.mark.parametrize("number", INTERRUPTS)
def test_each_signal_raises_keyboard_interrupt(number) -> None:
    """The handler from before the block is in place again after it."""
    before = signal.getsignal(number)

    with pytest.raises(KeyboardInterrupt), interruptible():
        signal.raise_signal(number)

    assert signal.getsignal(number) is before


def test_a_signal_that_is_ignored_stays_ignored() -> None:
    """As nohup ignores SIGHUP."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with interruptible():
            signal.raise_signal(signal.SIGHUP)
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
