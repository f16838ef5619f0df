"""Ctrl-C and termination that wait for a good moment."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """While it is entered, a signal raises ``KeyboardInterrupt`` once, and only inside :meth:`allowed`.

    One that comes at another moment is raised when :meth:`allowed` is next entered. Whatever follows the first is
    ignored: by then the work in hand is being brought to its end. Enter it in the main thread.

    Attributes:
        asked: Whether a signal has come.
    """

    def __init__(self) -> None:
        self.asked = False
        self._open = False
        self._raised = False
        self._before: dict[signal.Signals, signal._HANDLER] = {}

    def __enter__(self) -> Interruption:
        self._before = {number: signal.signal(number, self._note) for number in SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.asked = True
        if self._open:
            self._raise()

    def _raise(self) -> None:
        self._open = False
        if not self._raised:
            self._raised = True
            raise KeyboardInterrupt

    @contextmanager
    def allowed(self) -> Iterator[None]:
        """A stretch that may be left in the middle."""
        if self.asked:
            self._raise()
        raised = self._raised
        self._open = True
        try:
            yield
        except Exception as error:
            # A library that is just being imported makes an ImportError of it.
            if self._raised and not raised:
                raise KeyboardInterrupt from error
            raise
        finally:
            self._open = False
