"""Ctrl-C and termination that wait for a good moment."""

from __future__ import annotations

import signal

import pytest
from octavo.indexes.interruption import Interruption


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_an_allowed_stretch_at_once(number: signal.Signals) -> None:
    with Interruption() as interruption, pytest.raises(KeyboardInterrupt), interruption.allowed():
        signal.raise_signal(number)
    assert interruption.asked


def load_while_interrupted() -> None:
    try:
        signal.raise_signal(signal.SIGINT)
    except KeyboardInterrupt as error:
        raise ImportError("initialization failed") from error


def test_one_that_a_library_turns_into_an_error_is_still_one() -> None:
    with Interruption() as interruption:
        with pytest.raises(KeyboardInterrupt), interruption.allowed():
            load_while_interrupted()
        with pytest.raises(ValueError, match="another"), interruption.allowed():
            raise ValueError("another")


def test_elsewhere_it_waits_for_the_next_stretch() -> None:
    with Interruption() as interruption:
        signal.raise_signal(signal.SIGINT)
        assert interruption.asked
        with pytest.raises(KeyboardInterrupt), interruption.allowed():
            pytest.fail("the stretch must not begin")


def test_further_signals_are_ignored() -> None:
    with Interruption() as interruption:
        with pytest.raises(KeyboardInterrupt), interruption.allowed():
            signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        with interruption.allowed():
            signal.raise_signal(signal.SIGTERM)


def test_handlers_are_put_back() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with Interruption():
        pass
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
