"""When the stages of one file's way in began and how long they took, for whoever traces them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from time import perf_counter
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of one file.

    Attributes:
        name: ``read``, ``segment``, ``listen``, ``encode``, ``write``.
        began_ns: Nanoseconds since 1970.
    """

    name: str
    began_ns: int
    seconds: float


class Stopwatch:
    """Times a stage that is done bit by bit, such as embeddings that are made while they are written."""

    def __init__(self) -> None:
        self.began_ns = time.time_ns()
        self.seconds = 0.0
        self._began = perf_counter()

    def lap(self, name: str) -> Stage:
        """The stage from the watch's start until now; the next one begins here."""
        now = perf_counter()
        made = Stage(name, self.began_ns, now - self._began)
        self.began_ns, self._began = time.time_ns(), now
        return made

    def timing(self, items: Iterable[T]) -> Iterator[T]:
        """The same items; the time that making them takes is added to ``seconds``."""
        source = iter(items)
        while True:
            began = perf_counter()
            try:
                item = next(source)
            except StopIteration:
                return
            finally:
                self.seconds += perf_counter() - began
            yield item
