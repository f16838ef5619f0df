"""One thread for what is too little work to divide.

A question, a clip of a few seconds: threads that share it spin waiting for each other, on a busy machine for most of
the time, and clips take twice as long on two cores as on one. The setting is torch's own and global, so the first in
saves it and the last out restores it.
"""

from __future__ import annotations

from threading import Lock


class _OneThread:
    """Keeps torch to one thread while anybody is inside."""

    def __init__(self) -> None:
        self._guard = Lock()
        self._inside = 0
        self._threads = 1

    def __enter__(self) -> None:
        import torch

        with self._guard:
            if not self._inside:
                self._threads = torch.get_num_threads()
            self._inside += 1
            torch.set_num_threads(1)

    def __exit__(self, *_: object) -> None:
        import torch

        with self._guard:
            self._inside -= 1
            if not self._inside:
                torch.set_num_threads(self._threads)


one_thread = _OneThread()
