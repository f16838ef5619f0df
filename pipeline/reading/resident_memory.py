"""How much memory another process holds."""

from __future__ import annotations

import os
import subprocess
import time
from typing import Final

_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
_HAS_PROC: Final = os.path.exists("/proc/self/statm")
_PS_INTERVAL: Final = 1.0
_last: dict[int, tuple[float, int]] = {}


def resident_bytes(pid: int) -> int:
    """Resident set of a process in bytes; 0 where it is gone.

    Linux tells it in ``/proc``. Elsewhere ``ps`` is asked, at most once a second since it is a process itself.
    """
    if _HAS_PROC:
        try:
            with open(f"/proc/{pid}/statm", "rb") as file:
                return int(file.read().split()[1]) * _PAGE
        except (OSError, IndexError, ValueError):
            return 0
    now = time.monotonic()
    asked, used = _last.get(pid, (-_PS_INTERVAL, 0))
    if now - asked >= _PS_INTERVAL:
        try:
            answer = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, timeout=5, check=False)
            used = int(answer.stdout.strip() or 0) * 1024
        except (OSError, ValueError, subprocess.SubprocessError):
            used = 0
        _last.clear()
        _last[pid] = (now, used)
    return used
